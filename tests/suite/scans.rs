//! Scans, benchmarks and configuration: from the text of a file to the rows of the tables, by the way every
//! file goes.

use std::fs;

use assure::report::results::Results;
use serde_json::Value;

use crate::corpus::corpus;
use crate::world::{Reading, World, assure_in};

const OBTAINED: &str = r#"obtained = { how = "observed", by = "the assessor", on = 2021-01-08T09:00:00Z }"#;

/// An engagement with one file, and what is declared of it.
fn one(path: &str, octets: impl AsRef<[u8]>, declared: &str) -> World {
    let world = World::empty();
    world.put(path, octets);
    let head = "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2013-01-01, end = 2021-12-31 }\n";
    fs::write(world.folder.join("engagement.toml"), format!("{head}[[source]]\npath = \"**\"\n{declared}\n")).unwrap();
    world
}

/// The rows as lines, cells in order of name, empty ones as `-`.
fn lines(world: &World, sql: &str) -> Vec<String> {
    let output = assure_in(world.around(), &["-q", "query", world.folder.to_str().unwrap(), sql, "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let cell = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        row.as_object().unwrap().values().map(cell).collect::<Vec<_>>().join(" | ")
    };
    String::from_utf8(output.stdout).unwrap().lines().map(line).collect()
}

/// How the one file was read, from a run.
fn read(world: &World) -> Results {
    world.run().results()
}

fn real(name: &str) -> Option<Vec<u8>> {
    Some(fs::read(corpus()?.join("config-and-scans").join(name)).unwrap())
}

// ---- Nessus

const NESSUS: &str = "scans/ca-01.nessus";
const NESSUS_SCAN: &str = r#"<?xml version="1.0" ?>
<NessusClientData_v2><Policy><Preferences><password>hunter2</password></Preferences></Policy>
<Report name="monthly" xmlns:cm="http://www.nessus.org/cm">
<ReportHost name="192.0.2.1"><HostProperties>
<tag name="HOST_END">Tue Jan  5 10:24:08 2021</tag><tag name="HOST_END_TIMESTAMP">1609842248</tag>
<tag name="Credentialed_Scan">true</tag><tag name="host-fqdn">ca-01.pki.example</tag><tag name="host-ip">192.0.2.1</tag>
<tag name="HOST_START">Tue Jan  5 10:04:08 2021</tag></HostProperties>
<ReportItem port="443" svc_name="www" protocol="tcp" severity="3" pluginID="101" pluginName="Weak &amp; old" pluginFamily="x">
<cve>CVE-2020-0001</cve><cve>CVE-2020-0002</cve><cvss3_base_score>7.5</cvss3_base_score><plugin_output>a long story</plugin_output></ReportItem>
<ReportItem port="0" protocol="tcp" severity="9" pluginID="102" pluginName="Of no known severity"/>
<ReportItem port="0" protocol="tcp" severity="3" pluginID="33814" pluginName="Unix Compliance Checks">
<compliance>true</compliance><cm:compliance-check-name>5.2.10 no root login</cm:compliance-check-name>
<cm:compliance-result>FAILED</cm:compliance-result><cm:compliance-audit-file>cis.audit</cm:compliance-audit-file></ReportItem>
</ReportHost>
<ReportHost name="192.0.2.2"><HostProperties><tag name="Credentialed_Scan">false</tag><tag name="HOST_END">Tue Jan  5 10:24:08 2021</tag></HostProperties></ReportHost>
</Report></NessusClientData_v2>
"#;
const FOUND: &str = "SELECT row AS a, tool AS b, host AS c, hostname AS d, port AS e, protocol AS f, rule_id AS g, title AS h, cve AS i, \
                     severity AS j, cvss AS k, seen_at AS l, seen_at_basis AS m FROM vulnerabilities ORDER BY evidence, row";
const HOSTS: &str = "SELECT row AS a, tool AS b, host AS c, hostname AS d, address AS e, started_at AS f, ended_at AS g, authenticated AS h \
                     FROM host_scans ORDER BY row";
const CHECKS: &str = "SELECT row AS a, tool AS b, target AS c, benchmark AS d, rule_id AS e, result AS f, severity AS g, tested_at AS h \
                      FROM compliance_results ORDER BY row";

#[test]
fn a_nessus_scan_says_what_was_found_where_when_and_whether_it_logged_in() {
    let world = one(NESSUS, NESSUS_SCAN, "zone = \"UTC\"");
    assert_eq!(
        lines(&world, FOUND),
        [
            "1 | nessus | 192.0.2.1 | ca-01.pki.example | 443 | tcp | 101 | Weak & old | CVE-2020-0001, CVE-2020-0002 | high | 7.5 | 2021-01-05T10:24:08Z | explicit",
            "2 | nessus | 192.0.2.1 | ca-01.pki.example | 0 | tcp | 102 | Of no known severity | - | - | - | 2021-01-05T10:24:08Z | explicit",
        ]
    );
    assert_eq!(
        lines(&world, HOSTS),
        [
            "4 | nessus | 192.0.2.1 | ca-01.pki.example | 192.0.2.1 | 2021-01-05T10:04:08Z | 2021-01-05T10:24:08Z | true",
            "5 | nessus | 192.0.2.2 | - | - | - | 2021-01-05T10:24:08Z | false",
        ]
    );
    assert_eq!(lines(&world, CHECKS), ["3 | nessus | 192.0.2.1 | cis.audit | 5.2.10 no root login | fail | 3 | 2021-01-05T10:24:08Z"]);
    let results = read(&world);
    let file = results.file(NESSUS);
    assert_eq!((file.format.as_deref(), file.records, file.rejected), (Some("nessus"), 5, 0));
    results.noted("N-VAL-001", NESSUS);
}

#[test]
fn a_nessus_scan_that_is_cut_keeps_what_was_read_and_is_no_whole_source() {
    let cut = &NESSUS_SCAN[..NESSUS_SCAN.find("<ReportItem port=\"0\" protocol=\"tcp\" severity=\"3\"").unwrap() + 20];
    let world = one(NESSUS, cut, "zone = \"UTC\"");
    assert_eq!(lines(&world, "SELECT COUNT(*) AS n FROM vulnerabilities"), ["2"]);
    let results = read(&world);
    let file = results.file(NESSUS);
    assert_eq!((file.status.as_str(), file.quality.as_str(), file.records, file.rejected), ("unreadable", "truncated", 2, 1));
    assert!(results.noted("N-XML-002", NESSUS).what.contains("line 11"), "{}", results.noted("N-XML-002", NESSUS).what);
    assert_eq!(results.test("SY-14", "closed").outcome, "could_not_test");
}

#[test]
fn a_scan_in_utf_16_reads_the_same() {
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(NESSUS_SCAN.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let declared = "zone = \"UTC\"";
    assert_eq!(lines(&one(NESSUS, wide, declared), FOUND), lines(&one(NESSUS, NESSUS_SCAN, declared), FOUND));
}

#[test]
fn a_real_nessus_scan_has_one_host_and_five_items() {
    let Some(octets) = real("nessus_v2_many_vuln.nessus") else { return };
    let world = one(NESSUS, octets, "");
    let counts =
        "SELECT severity_raw AS a, severity AS b, COUNT(*) AS c FROM vulnerabilities GROUP BY severity_raw, severity ORDER BY severity_raw";
    assert_eq!(lines(&world, counts), ["0 | info | 1", "1 | low | 3", "3 | high | 1"]);
    assert_eq!(
        lines(&world, HOSTS),
        ["6 | nessus | http://google.com/ | http://google.com/ | - | 2021-03-12T12:34:30.12031Z | 2021-03-12T14:35:34.341269Z | -"]
    );
}

// ---- nmap

const NMAP: &str = "scans/lan.xml";
const NMAP_SCAN: &str = r#"<?xml version="1.0"?>
<!DOCTYPE nmaprun>
<nmaprun scanner="nmap" start="1361737689" version="7.80">
<host starttime="1361737689" endtime="1361737701"><status state="up"/><address addr="192.0.2.1" addrtype="ipv4"/>
<address addr="00:11:22:33:44:55" addrtype="mac"/>
<hostnames><hostname name="ca-01" type="user"/><hostname name="ca-01.pki.example" type="PTR"/></hostnames>
<ports><extraports state="closed" count="995"/><port protocol="tcp" portid="22"><state state="open"/><service name="ssh" product="OpenSSH"/></port>
<port protocol="udp" portid="123"><state state="open|filtered"/></port><port protocol="tcp" portid="99"><state state="ajar"/></port></ports></host>
<host><status state="down"/><address addr="192.0.2.9" addrtype="ipv4"/></host>
<runstats><hosts up="1" down="1" total="2"/></runstats></nmaprun>
"#;
const PORTS: &str = "SELECT row AS a, host AS b, hostname AS c, protocol AS d, port AS e, state AS f, service AS g, product AS h, seen_at AS i \
                     FROM open_ports ORDER BY row";

#[test]
fn nmap_says_which_ports_are_open_and_never_logs_in() {
    let world = one(NMAP, NMAP_SCAN, "");
    assert_eq!(
        lines(&world, PORTS),
        [
            "1 | 192.0.2.1 | ca-01 | tcp | 22 | open | ssh | OpenSSH | 2013-02-24T20:28:21Z",
            "2 | 192.0.2.1 | ca-01 | udp | 123 | open|filtered | - | - | 2013-02-24T20:28:21Z",
            "3 | 192.0.2.1 | ca-01 | tcp | 99 | - | - | - | 2013-02-24T20:28:21Z",
        ]
    );
    assert_eq!(
        lines(&world, HOSTS),
        ["4 | nmap | 192.0.2.1 | ca-01 | 192.0.2.1 | 2013-02-24T20:28:09Z | 2013-02-24T20:28:21Z | false"],
        "a host that is down was not looked at"
    );
}

#[test]
fn a_real_nmap_scan_has_two_hosts_with_the_ports_it_is_known_for() {
    let Some(octets) = real("nmap_2_hosts_version.xml") else { return };
    let world = one(NMAP, octets, "");
    assert_eq!(
        lines(&world, "SELECT host AS a, state AS b, port AS c FROM open_ports ORDER BY host, state, port"),
        [
            "127.0.0.1 | open | 22",
            "127.0.0.1 | open | 25",
            "127.0.0.1 | open | 111",
            "127.0.0.1 | open | 631",
            "127.0.0.1 | open | 3306",
            "74.207.244.221 | filtered | 25",
            "74.207.244.221 | open | 22",
            "74.207.244.221 | open | 80",
            "74.207.244.221 | open | 9929",
        ]
    );
    assert_eq!(
        lines(&world, "SELECT host AS a, hostname AS b FROM host_scans ORDER BY row"),
        ["127.0.0.1 | localhost", "74.207.244.221 | scanme.nmap.org"]
    );
}

#[test]
fn an_external_entity_reads_no_file() {
    const PROBE: &str = "canary-in-another-file";
    let mut probes =
        vec![NMAP_SCAN.replace("<!DOCTYPE nmaprun>", "<!DOCTYPE nmaprun [<!ENTITY ee SYSTEM \"file:PROBE\">]>").replace("ajar", "&ee;")];
    if let Some(octets) = real("nmap_xxe_local_include.xml") {
        probes.push(String::from_utf8(octets).unwrap().replace("file://./simple.xml", "file:PROBE"));
    }
    for probe in probes {
        let world = one(NMAP, "", "format = \"nmap\"");
        let target = world.around().join("simple.xml");
        fs::write(&target, PROBE).unwrap();
        world.put(NMAP, probe.replace("file:PROBE", &format!("file://{}", target.display())));
        let run = world.run();
        let results = run.results();
        assert_eq!(results.file(NMAP).status, "unreadable");
        assert_eq!(results.file(NMAP).records, 0);
        results.noted("N-XML-001", NMAP);
        for (name, octets) in crate::world::files(run.folder()) {
            assert!(!crate::world::holds(&octets, PROBE.as_bytes()), "{name} holds what stands in a file the evidence names");
        }
    }
}

#[test]
fn a_document_with_another_element_at_the_top_is_not_recognised() {
    let Some(octets) = real("nmap_xxe_local_include.xml") else { return };
    let world = one(NMAP, octets, "");
    world.put("scans/another.xml", NMAP_SCAN);
    assert_eq!(read(&world).file(NMAP).status, "not-recognised");
}

// ---- XCCDF and CKL

const XCCDF: &str = "benchmarks/ca-01.xml";
const RESULTS: &str = r#"<?xml version="1.0"?>
<arf:asset-report-collection xmlns:arf="http://scap.nist.gov/schema/asset-reporting-format/1.1" xmlns:cdf="http://checklists.nist.gov/xccdf/1.2">
<arf:report-requests><cdf:Benchmark id="b"><cdf:Rule id="r1"><cdf:title>no result</cdf:title></cdf:Rule></cdf:Benchmark></arf:report-requests>
<arf:reports><arf:report><arf:content><cdf:TestResult id="t" end-time="2021-01-05T11:00:00Z">
<cdf:benchmark id="cis" href="cis.xml"/><cdf:profile idref="level-1"/><cdf:target>ca-01</cdf:target><cdf:target-address>192.0.2.1</cdf:target-address>
<cdf:rule-result idref="r1" severity="high" time="2021-01-05T10:00:00"><cdf:result>pass</cdf:result></cdf:rule-result>
<cdf:rule-result idref="r2" severity="low"><cdf:result>notchecked</cdf:result></cdf:rule-result>
<cdf:rule-result idref="r3"><cdf:result>maybe</cdf:result></cdf:rule-result>
</cdf:TestResult></arf:content></arf:report></arf:reports></arf:asset-report-collection>
"#;

#[test]
fn results_of_a_benchmark_are_taken_and_its_rules_are_not() {
    let world = one(XCCDF, RESULTS, "zone = \"UTC\"");
    assert_eq!(
        lines(&world, CHECKS),
        [
            "1 | xccdf | ca-01 | cis | r1 | pass | high | 2021-01-05T10:00:00Z",
            "2 | xccdf | ca-01 | cis | r2 | notchecked | low | 2021-01-05T11:00:00Z",
            "3 | xccdf | ca-01 | cis | r3 | - | - | 2021-01-05T11:00:00Z",
        ]
    );
    assert_eq!(read(&world).noted("N-VAL-001", XCCDF).count, 1);
}

#[test]
fn a_benchmark_without_results_is_no_source_of_any() {
    let benchmark = "<Benchmark xmlns=\"http://checklists.nist.gov/xccdf/1.2\"><Rule id=\"r1\"/></Benchmark>";
    let world = one(XCCDF, benchmark, "");
    let results = read(&world);
    assert_eq!((results.file(XCCDF).format.as_deref(), results.file(XCCDF).records), (Some("xccdf"), 0));
    assert_eq!(lines(&world, "SELECT COUNT(*) AS n FROM compliance_results"), ["0"]);
}

#[test]
fn a_real_result_of_openscap_has_one_pass_and_one_failure() {
    let Some(octets) = real("openscap_xccdf12_result.xml") else { return };
    let world = one(XCCDF, octets, "zone = \"Europe/Prague\"");
    assert_eq!(
        lines(&world, CHECKS),
        [
            "1 | xccdf | matyc-laptop | xccdf_com.example.www_benchmark_dummy | SV-86937r1_rule | pass | - | 2017-12-01T16:40:39Z",
            "2 | xccdf | matyc-laptop | xccdf_com.example.www_benchmark_dummy | SV-86601r1_rule | fail | - | 2017-12-01T16:40:39Z",
        ]
    );
}

#[test]
fn a_checklist_says_what_a_person_found_of_each_rule() {
    let vuln = |rule: &str, status: &str| {
        format!(
            "<VULN><STIG_DATA><VULN_ATTRIBUTE>Vuln_Num</VULN_ATTRIBUTE><ATTRIBUTE_DATA>V-1</ATTRIBUTE_DATA></STIG_DATA>\
             <STIG_DATA><VULN_ATTRIBUTE>Severity</VULN_ATTRIBUTE><ATTRIBUTE_DATA>high</ATTRIBUTE_DATA></STIG_DATA>\
             <STIG_DATA><VULN_ATTRIBUTE>Rule_ID</VULN_ATTRIBUTE><ATTRIBUTE_DATA>{rule}</ATTRIBUTE_DATA></STIG_DATA><STATUS>{status}</STATUS></VULN>\n"
        )
    };
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!--DISA STIG Viewer :: 2.17-->\n<CHECKLIST>\n<ASSET><HOST_NAME>ca-01</HOST_NAME><HOST_IP>192.0.2.1</HOST_IP></ASSET>\n\
         <STIGS><iSTIG><STIG_INFO><SI_DATA><SID_NAME>version</SID_NAME><SID_DATA>3</SID_DATA></SI_DATA>\
         <SI_DATA><SID_NAME>stigid</SID_NAME><SID_DATA>RHEL_8_STIG</SID_DATA></SI_DATA></STIG_INFO>\n{}{}{}{}{}</iSTIG></STIGS></CHECKLIST>\n",
        vuln("r1", "Open"),
        vuln("r2", "NotAFinding"),
        vuln("r3", "Not_Applicable"),
        vuln("r4", "Not_Reviewed"),
        vuln("r5", "Fine"),
    );
    let found: Vec<String> = [("r1", "fail"), ("r2", "pass"), ("r3", "notapplicable"), ("r4", "notchecked"), ("r5", "-")]
        .iter()
        .zip(1..)
        .map(|((rule, result), row)| format!("{row} | ckl | ca-01 | RHEL_8_STIG | {rule} | {result} | high | 2021-01-08T09:00:00Z"))
        .collect();
    assert_eq!(lines(&one("benchmarks/ca-01.ckl", text, OBTAINED), CHECKS), found);
}

// ---- delimited exports

const CSV: &str = "scans/export.csv";

#[test]
fn a_real_nessus_export_has_five_rows_of_which_the_last_has_no_end() {
    let Some(octets) = real("nessus_export.csv") else { return };
    let counts = "SELECT severity AS a, COUNT(*) AS b FROM vulnerabilities GROUP BY severity ORDER BY severity";
    let world = one(CSV, &octets, OBTAINED);
    assert_eq!(lines(&world, counts), ["critical | 1", "high | 1", "medium | 2"]);
    let results = read(&world);
    let file = results.file(CSV);
    assert_eq!((file.format.as_deref(), file.records, file.rejected, file.quality.as_str()), (Some("nessus-csv"), 4, 1, "truncated"));
    let whole = one(CSV, [octets.as_slice(), b"\n"].concat(), OBTAINED);
    assert_eq!(lines(&whole, counts), ["critical | 1", "high | 1", "medium | 3"]);
    let critical = "SELECT host AS a, port AS b, rule_id AS c, cve AS d, seen_at AS e FROM vulnerabilities WHERE severity = 'critical'";
    assert_eq!(lines(&whole, critical), ["192.168.0.101 | 8080 | 200162 | CVE-2024-4577 | 2021-01-08T09:00:00Z"]);
}

#[test]
fn a_real_export_of_security_center_has_four_rows_and_the_empty_ones_are_blank() {
    let Some(octets) = real("tenable_sc_export.csv") else { return };
    let world = one(CSV, octets, "zone = \"America/Denver\"");
    assert_eq!(
        lines(&world, "SELECT severity AS a, host AS b, rule_id AS c, first_seen AS d, seen_at AS e FROM vulnerabilities ORDER BY row"),
        [
            "medium | 10.1.1.1 | 35291 | 2021-01-05T17:24:08Z | 2021-01-05T17:24:08Z",
            "medium | 10.1.1.1 | 51192 | 2021-01-05T17:24:08Z | 2021-01-05T17:24:08Z",
            "medium | 10.2.1.1 | 57582 | 2021-01-05T17:24:08Z | 2021-01-05T17:24:08Z",
            "medium | 10.2.1.1 | 65821 | 2021-01-05T17:24:08Z | 2021-01-05T17:24:08Z",
        ]
    );
    let results = read(&world);
    let file = results.file(CSV);
    assert_eq!((file.format.as_deref(), file.records, file.rejected), (Some("tenable-sc-csv"), 4, 0));
    // The heading, and the lines over which the four go on, are blank as well.
    assert_eq!(file.blank, 574 - 4);
    assert!(file.blank >= 529);
}

#[test]
fn the_short_name_of_a_zone_nobody_declared_settles_no_time() {
    let csv = "Plugin,Severity,IP Address,First Discovered,Last Observed\n1,High,10.0.0.1,\"Jan 5, 2021 10:24:08 MST\",\"Jan 6, 2021 10:24:08 UTC\"\n";
    let world = one(CSV, csv, "");
    assert_eq!(
        lines(&world, "SELECT first_seen AS a, first_seen_raw AS b, seen_at AS c FROM vulnerabilities"),
        ["- | Jan 5, 2021 10:24:08 MST | 2021-01-06T10:24:08Z"]
    );
    assert_eq!(read(&world).noted("N-TIME-002", CSV).count, 1);
}

#[test]
fn openvas_and_testssl_say_what_they_found_and_what_they_did_not_test_is_not_settled() {
    let found = "SELECT tool AS a, host AS b, address AS c, port AS d, rule_id AS e, severity AS f, severity_raw AS g, seen_at AS h FROM vulnerabilities ORDER BY row";
    let csv = "IP,Hostname,Port,Port Protocol,CVSS,Severity,QoD,Solution Type,NVT Name,Summary,NVT OID,CVEs,Timestamp\n\
               192.0.2.1,ca-01,443,tcp,7.5,High,80,,Weak,\"of\nlines\",1.3.6.1.4.1.25623.1.0.1,CVE-2020-0001,2021-01-05T10:00:00Z\n\
               192.0.2.1,ca-01,443,tcp,0.0,Log,80,,Seen,x,1.3.6.1.4.1.25623.1.0.2,,2021-01-05T10:00:00Z\n\
               192.0.2.1,ca-01,443,tcp,0.0,False Positive,80,,Gone,x,1.3.6.1.4.1.25623.1.0.3,,2021-01-05T10:00:00Z\n";
    assert_eq!(
        lines(&one(CSV, csv, ""), found),
        [
            "openvas | 192.0.2.1 | 192.0.2.1 | 443 | 1.3.6.1.4.1.25623.1.0.1 | high | High | 2021-01-05T10:00:00Z",
            "openvas | 192.0.2.1 | 192.0.2.1 | 443 | 1.3.6.1.4.1.25623.1.0.2 | info | Log | 2021-01-05T10:00:00Z",
            "openvas | 192.0.2.1 | 192.0.2.1 | 443 | 1.3.6.1.4.1.25623.1.0.3 | - | False Positive | 2021-01-05T10:00:00Z",
        ]
    );
    let csv = "\"id\",\"fqdn/ip\",\"port\",\"severity\",\"finding\",\"cve\",\"cwe\"\n\
               \"heartbleed\",\"ca-01/192.0.2.1\",\"443\",\"CRITICAL\",\"VULNERABLE\",\"CVE-2014-0160\",\"CWE-119\"\n\
               \"TLS1\",\"ca-01/192.0.2.1\",\"443\",\"OK\",\"not offered\",\"\",\"\"\n\
               \"robot\",\"ca-01/192.0.2.1\",\"443\",\"WARN\",\"test failed\",\"\",\"\"\n";
    assert_eq!(
        lines(&one(CSV, csv, OBTAINED), found),
        [
            "testssl | ca-01 | 192.0.2.1 | 443 | heartbleed | critical | CRITICAL | 2021-01-08T09:00:00Z",
            "testssl | ca-01 | 192.0.2.1 | 443 | TLS1 | info | OK | 2021-01-08T09:00:00Z",
            "testssl | ca-01 | 192.0.2.1 | 443 | robot | - | WARN | 2021-01-08T09:00:00Z",
        ]
    );
    let xml = "<report id=\"1\" format_id=\"a\" extension=\"xml\"><name>n</name><report id=\"1\"><results start=\"1\">\n\
               <result id=\"2\"><name>Weak</name><creation_time>2021-01-05T10:00:00Z</creation_time><host>192.0.2.1<asset asset_id=\"\"/><hostname>ca-01</hostname></host>\
               <port>443/tcp</port><nvt oid=\"1.3.1\"><name>Weak</name><refs><ref type=\"cve\" id=\"CVE-1\"/><ref type=\"cert\" id=\"x\"/></refs></nvt>\
               <threat>High</threat><severity>7.5</severity><detection><result id=\"9\"><details/></result></detection></result>\n\
               </results></report></report>\n";
    let world = one("scans/openvas.xml", xml, "");
    assert_eq!(
        lines(&world, FOUND),
        ["1 | openvas | 192.0.2.1 | ca-01 | 443 | tcp | 1.3.1 | Weak | CVE-1 | high | 7.5 | 2021-01-05T10:00:00Z | explicit"]
    );
    assert_eq!(read(&world).file("scans/openvas.xml").rejected, 0);
}

#[test]
fn the_register_of_vulnerabilities_says_what_became_of_each() {
    let csv = "Hostname,Plugin ID,Severity,First found,Closed on,Risk accepted on,Risk accepted by\n\
               ca-01,101,High,2021-01-05,2021-01-10,,\nca-01,102,Critical,2021-01-05,,2021-01-12,board\n";
    let sql = "SELECT tool AS a, host AS b, rule_id AS c, severity AS d, seen_at AS e, fixed_at AS f, accepted_at AS g, accepted_by AS h FROM vulnerabilities ORDER BY row";
    assert_eq!(
        lines(&one("registers/findings.csv", csv, ""), sql),
        [
            "register | ca-01 | 101 | high | 2021-01-05T00:00:00Z | 2021-01-10T00:00:00Z | - | -",
            "register | ca-01 | 102 | critical | 2021-01-05T00:00:00Z | - | 2021-01-12T00:00:00Z | board",
        ]
    );
}

// ---- configuration

const SETTINGS: &str =
    "SELECT row AS a, component AS b, scope AS c, key AS d, value AS e, in_force AS f, effective AS g FROM settings ORDER BY row";

#[test]
fn of_a_name_that_stands_twice_in_a_section_openssl_takes_the_last() {
    let text =
        "# a comment\ndir = /ca\n[ ca ]\ndefault_ca = one\ndefault_ca = two # the last\n[req]\ndefault_ca = three\nkeys = a, \\\nb\n";
    let world = one("config/openssl.cnf", text, "host = \"ca-01\"");
    assert_eq!(
        lines(&world, SETTINGS),
        [
            "2 | openssl | global | dir | /ca | true | false",
            "4 | openssl | ca | default_ca | one | false | false",
            "5 | openssl | ca | default_ca | two | true | false",
            "7 | openssl | req | default_ca | three | true | false",
        ]
    );
    let results = read(&world);
    let file = results.file("config/openssl.cnf");
    assert_eq!((file.records, file.rejected, file.blank), (4, 2, 3), "a line that goes on in the next is rejected");
    for include in [".include = more.cnf", ".include /etc/more.cnf"] {
        let world = one("config/openssl.cnf", text.replace("[req]", &format!("{include}\n[req]")), "");
        assert_eq!(
            lines(&world, "SELECT value AS a, in_force AS b FROM settings WHERE key = 'default_ca' ORDER BY row"),
            ["one | false", "two | -", "three | -"],
            "what is included may come last"
        );
    }
}

#[test]
fn packet_filter_rules_stand_in_their_table_and_chain() {
    let text = "# Generated by iptables-save v1.8.4\n*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n[5:300] -A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n*nat\n:POSTROUTING ACCEPT [1:2]\nCOMMIT\nnonsense\n";
    let world = one("config/iptables.txt", text, "host = \"ca-01\"");
    assert_eq!(
        lines(&world, SETTINGS),
        [
            "3 | iptables | filter | :INPUT | DROP [0:0] | true | true",
            "4 | iptables | filter | -A INPUT | -i lo -j ACCEPT | true | true",
            "5 | iptables | filter | -A INPUT | -p tcp --dport 22 -j ACCEPT | true | true",
            "8 | iptables | nat | :POSTROUTING | ACCEPT [1:2] | true | true",
        ]
    );
    assert_eq!(read(&world).file("config/iptables.txt").rejected, 1);
    let text = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport 22 accept\n\t}\n}\ntable ip nat {\n\tchain post {\n\t\tmasquerade\n\t}\n}\n";
    assert_eq!(
        lines(&one("config/nft.txt", text, ""), SETTINGS),
        [
            "3 | nftables | table inet filter / chain input | type | filter hook input priority filter; policy drop; | true | true",
            "4 | nftables | table inet filter / chain input | tcp | dport 22 accept | true | true",
            "9 | nftables | table ip nat / chain post | masquerade | - | true | true",
        ]
    );
}

#[test]
fn servers_of_ntp_conf_add_up() {
    let text = "driftfile /var/lib/ntp/drift\nserver a iburst\nserver b\nrestrict default kod nomodify\ndisable monitor\n";
    assert_eq!(
        lines(&one("config/ntp.conf", text, ""), SETTINGS),
        [
            "1 | ntp | global | driftfile | /var/lib/ntp/drift | true | false",
            "2 | ntp | global | server | a iburst | true | false",
            "3 | ntp | global | server | b | true | false",
            "4 | ntp | global | restrict | default kod nomodify | true | false",
            "5 | ntp | global | disable | monitor | true | false",
        ]
    );
}

#[test]
fn the_windows_time_service_says_whether_it_follows_a_source_and_not_how_far_it_is_off() {
    let reading = |leap: &str| {
        format!(
            "Leap Indicator: {leap}\r\nStratum: 4 (secondary reference - syncd by (S)NTP)\r\nPrecision: -23 (119.209ns per tick)\r\nRoot Delay: 0.0312500s\r\n\
             ReferenceId: 0xC0A80001 (source IP:  192.168.0.1)\r\nLast Successful Sync Time: 1/5/2021 10:24:08 AM\r\nSource: dc01\r\nPoll Interval: 10 (1024s)\r\n\r\n\
             Phase Offset: 0.0001234s\r\n"
        )
    };
    let text = format!("2021-01-05T10:30:00Z\r\n{}2021-01-06T10:30:00Z\r\n{}", reading("0(no warning)"), reading("3(not synchronized)"));
    assert_eq!(
        lines(
            &one("clock/ra-01.log", text, "host = \"ra-01\""),
            "SELECT host AS a, read_at AS b, reference AS c, stratum AS d, offset_us AS e, leap AS f FROM time_status ORDER BY row"
        ),
        ["ra-01 | 2021-01-05T10:30:00Z | dc01 | 4 | - | Normal", "ra-01 | 2021-01-06T10:30:00Z | dc01 | 4 | - | Not synchronised"]
    );
}

#[test]
fn package_and_hash_lists_are_read_line_by_line() {
    let sql = "SELECT manager AS a, name AS b, version AS c, architecture AS d, state AS e FROM packages ORDER BY row";
    let rpm = "openssl-libs-1.1.1k-9.el8_7.x86_64\ngpg-pubkey-fd431d51-4ae0493b\ntzdata-2023c-1.el8.noarch\nnot a package\n";
    let world = one("packages/ca-01.txt", rpm, "host = \"ca-01\"");
    assert_eq!(
        lines(&world, sql),
        [
            "rpm | openssl-libs | 1.1.1k-9.el8_7 | x86_64 | installed",
            "rpm | gpg-pubkey | fd431d51-4ae0493b | - | installed",
            "rpm | tzdata | 2023c-1.el8 | noarch | installed",
        ]
    );
    assert_eq!(read(&world).file("packages/ca-01.txt").rejected, 1);
    let dpkg = "Desired=Unknown/Install/Remove/Purge/Hold\n| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n\
                |/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n||/ Name           Version      Architecture Description\n\
                +++-==============-============-============-=================================\n\
                ii  libssl1.1:amd64 1.1.1n-0+deb11u5 amd64 Secure Sockets Layer toolkit\nrc  ntp 1:4.2.8p15 amd64 Network Time Protocol\niU  x 1 all broken\n";
    assert_eq!(
        lines(&one("packages/ca-02.txt", dpkg, ""), sql),
        [
            "dpkg | libssl1.1:amd64 | 1.1.1n-0+deb11u5 | amd64 | installed",
            "dpkg | ntp | 1:4.2.8p15 | amd64 | removed",
            "dpkg | x | 1 | all | incomplete",
        ]
    );
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let text = format!("{hash}  /usr/bin/a b\n{hash} */usr/bin/c\n\\{hash}  /odd\\nname\n{hash}\n");
    assert_eq!(
        lines(&one("hashes/ca-01.txt", text, ""), "SELECT path AS a, sha256 AS b FROM file_hashes ORDER BY row"),
        [format!("/usr/bin/a b | {hash}"), format!("/usr/bin/c | {hash}"), format!("/odd\\nname | {hash}")]
    );
}
