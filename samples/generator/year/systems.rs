//! Hosts and what is known of them: configuration, clocks, changes, backups, incidents, documents.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;
use super::keys::script_sha256;
use super::rows::Rows;
use std::fmt::Write as _;

pub const HOSTS: [&str; 5] = ["ca-01", "log-01", "ra-01", "repo-01", "root-01"];

/// Change, system, component, asked, approved by, approved, window, tested, outcome.
const CHANGES: &str = "\
CHG-2107,ca-01,certificate profile organisation,D. Kowalczyk,M. Ferreira,2021-09-06,2021-09-13 18:00,2021-09-13 21:00,yes,implemented
CHG-2108,ca-01,issuing CA 2,W. Adeyemi,M. Ferreira,2021-09-06,2021-09-14 13:00,2021-09-14 16:00,yes,implemented
CHG-2109,hsm-01,issuing CA 2,W. Adeyemi,M. Ferreira,2021-09-06,2021-09-14 12:30,2021-09-14 16:00,yes,implemented
CHG-2115,ca-01,patches,S. Nakamura,M. Ferreira,2021-12-06,2021-12-14 17:30,2021-12-14 20:00,yes,implemented
CHG-2116,hsm-01,audit configuration,S. Nakamura,M. Ferreira,2021-12-06,2021-12-14 17:30,2021-12-14 20:00,yes,implemented
CHG-2203,ca-01,certificate profile device,D. Kowalczyk,M. Ferreira,2022-03-07,2022-03-15 17:30,2022-03-15 20:00,yes,implemented
CHG-2204,hsm-02,share set of the root,W. Adeyemi,M. Ferreira,2022-01-24,2022-02-08 12:30,2022-02-08 16:00,yes,implemented
CHG-2209,ca-01,administrator role,A. Whitlock,M. Ferreira,2022-05-09,2022-05-17 18:00,2022-05-17 20:00,yes,implemented
CHG-2212,ca-01,patches,S. Nakamura,M. Ferreira,2022-06-06,2022-06-14 17:30,2022-06-14 20:00,yes,implemented
[-]CHG-2213,ra-01,patches,S. Nakamura,M. Ferreira,2022-06-06,2022-06-15 17:30,2022-06-15 20:00,yes,implemented
[+approved late]CHG-2213,ra-01,patches,S. Nakamura,M. Ferreira,2022-06-21,2022-06-15 17:30,2022-06-15 20:00,yes,implemented
CHG-2214,log-01,disk,S. Nakamura,M. Ferreira,2022-06-20,2022-07-05 17:30,2022-07-05 20:00,no,pending
";

/// Windows in which the machine room was entered.
pub fn windows() -> Vec<(Utc, Utc)> {
    let windows = CHANGES.lines().filter(|line| {
        line.contains(",implemented")
            && !line.contains("[+")
            && !line.contains("CHG-2204")
            && !line.contains("CHG-2109")
            && !line.contains("CHG-2116")
    });
    windows
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (Utc::at(&cells[6].replace(' ', "T")), Utc::at(&cells[7].replace(' ', "T")))
        })
        .collect()
}

const INCIDENTS: &str = "\
INC-311,2021-08-17 06:40,availability,low,ra-01,,,2021-08-17
INC-325,2021-11-10 09:05,security,high,ra-01,2021-11-10 15:30,2021-11-10 15:35,2021-12-02
[-]INC-342,2022-02-16 21:30,security,high,ra-01,2022-02-17 09:10,2022-02-17 09:15,2022-03-01
[+untold]INC-342,2022-02-16 21:30,security,high,ra-01,,2022-02-17 09:15,2022-03-01
INC-348,2022-03-29 11:10,suspected compromise,high,ca-01,2022-03-29 13:30,2022-03-29 13:35,2022-04-04
INC-355,2022-05-04 08:20,process,medium,log-01,,,2022-05-20
";

fn documents() -> String {
    let mut text = String::from(
        "\
S1SPKI-CP,cp,1.0,S1SPKI Certificate Policy,SMKI PMA,2020-07-30,PMA 2020/07-4,2020-09-17,,2022-05-12,CP-SHA\n\
[-]CPS,cps,2.0,Certification practice statement,SMKI PMA,2021-02-18,PMA 2021/02-3,2021-03-01,2022-03-01,2021-12-09,\n\
[-]CPS,cps,2.1,Certification practice statement,SMKI PMA,2022-02-17,PMA 2022/02-2,2022-03-01,,2022-02-03,\n\
[+unapproved]CPS,cps,2.0,Certification practice statement,SMKI PMA,2021-02-18,PMA 2021/02-3,2021-03-01,2022-03-01,2021-12-09,\n\
[+unapproved new]CPS,cps,2.1,Certification practice statement,SMKI PMA,2022-04-21,PMA 2022/04-2,2022-03-01,,2022-02-03,\n\
RAPP,rapp,1.1,Registration authority policies and procedures,SMKI PMA,2021-02-18,PMA 2021/02-3,2021-03-01,,2022-02-03,\n\
COOL-1,decision,1.0,Cooling-off period of six months,M. Ferreira,2019-05-13,RISK 2019/05-1,2019-06-01,,2022-01-20,\n\
S1SPKM-CP,policy,1.0,S1SPKM Compliance Policy,SMKI PMA,2020-07-30,PMA 2020/07-4,2020-09-17,,2022-05-12,\n\
BCP,plan,3.0,Business continuity plan,M. Ferreira,2021-05-20,RISK 2021/05-2,2021-06-01,,2022-05-05,\n",
    );
    for (script, approved) in [
        ("KCS-01", "2019-05-20"),
        ("KCS-02", "2019-05-20"),
        ("KCS-03", "2020-05-11"),
        ("KCS-04", "2021-08-30"),
        ("KCS-05", "2021-07-12"),
        ("KCS-06", "2022-01-24"),
    ] {
        let _ = writeln!(
            text,
            "{script},script,1.0,Key ceremony script,M. Ferreira,{approved},RISK,{approved},,{approved},{}",
            script_sha256(script)
        );
    }
    text.replace("CP-SHA", &script_sha256("CP"))
}

const RESOURCES: &str = "\
ca-01,host,live system,CA,yes,2019-06-03,
ra-01,host,live system,RA,yes,2019-06-03,
root-01,host,live system,Offline,yes,2019-06-03,
log-01,host,live system,Monitoring,yes,2019-06-03,
repo-01,host,live system,DMZ,yes,2019-06-03,
vlan-110,vlan,live system,CA,yes,2019-06-03,
vlan-120,vlan,live system,RA,yes,2019-06-03,
[hv-01]hv-01,hypervisor,live system,CA,yes,2019-06-03,
hsm-01/p1,hsm-partition,live system,CA,yes,2019-06-03,
ca-test,host,test,Test,no,2019-06-03,
vlan-910,vlan,test,Test,no,2019-06-03,
gw-07,host,user system,Supplier,no,2020-01-13,
hv-07,hypervisor,user system,Supplier,no,2020-01-13,
[former use]hv-02,hypervisor,user system,Supplier,no,2020-01-13,2021-03-01
hv-02,hypervisor,live system,RA,yes,2021-04-01,
[+shared]hv-01,hypervisor,user system,Supplier,no,2022-04-11,
";

pub fn build(sample: &mut Sample) {
    for host in HOSTS {
        sshd(sample, host);
        clock(sample, host);
    }
    profiles(sample);
    module_clocks(sample);
    index(sample);
    let header = "Change no,System,Configuration item,Requested by,Approved by,Approved on,Window start,Window end,Tested,Status";
    Rows::new(sample, header, CHANGES).csv(sample, "registers/changes.csv");
    let header = "Incident no,Detected on,Type,Severity,System,PMA notified,SSC notified,Closed";
    Rows::new(sample, header, INCIDENTS).csv(sample, "registers/incidents.csv");
    let header = "Reference,Document type,Version,Title,Approved by,Approved on,Minute,Effective from,Superseded on,Reviewed on,SHA-256";
    let text = documents();
    Rows::new(sample, header, &text).csv(sample, "registers/documents.csv");
    let header = "Asset,Type,System class,Zone,In scope,In use since,Retired on";
    Rows::new(sample, header, RESOURCES).csv(sample, "registers/assets.csv");
    let text = baseline();
    Rows::new(sample, "Component,Host,Scope,Setting,Approved value,Approved on,Approved by,Withdrawn on", &text)
        .csv(sample, "registers/baseline.csv");
    backups(sample);
    deliveries(sample);
}

const BASELINE: &str = "\
sshd,,global,permitrootlogin,no,2019-05-27,M. Ferreira,
sshd,,global,passwordauthentication,no,2019-05-27,M. Ferreira,
sshd,,global,loglevel,VERBOSE,2019-05-27,M. Ferreira,
sshd,,global,maxauthtries,3,2019-05-27,M. Ferreira,
";

/// `sshd -T`: the configuration in effect.
const SSHD: &str = "\
port 22
addressfamily inet
usepam yes
logingracetime 30
maxauthtries 3
pubkeyauthentication yes
kbdinteractiveauthentication no
allowtcpforwarding no
x11forwarding no
syslogfacility AUTHPRIV
loglevel VERBOSE
";

/// The file of one host. A near miss: sshd takes the first value of a keyword, so the last line decides nothing.
const SSHD_FILE: &str = "\
# sshd_config(5). Kept by the platform team: changes by change request only.
Port 22
LogLevel VERBOSE
PermitRootLogin no
PasswordAuthentication no
MaxAuthTries 3

# Left by the installer of the monitoring agent
PasswordAuthentication yes
";

fn sshd(sample: &mut Sample, host: &str) {
    let root = if sample.planted && host == "ca-01" { "yes" } else { "no" };
    let text = format!("{SSHD}permitrootlogin {root}\npasswordauthentication no\n");
    let path = format!("config/{host}/sshd-T.txt");
    let lines = text.lines().count();
    sample.mark(format!("root login/{host}"), &path, lines - 1, None);
    sample.add(&path, lines, text);
    if host == "ra-01" {
        let path = "config/ra-01/sshd_config";
        sample.mark("password login/ra-01".to_owned(), path, SSHD_FILE.lines().count(), None);
        sample.add(path, SSHD_FILE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count(), SSHD_FILE);
    }
}

/// `chronyc tracking` each Monday, with the date before it.
fn clock(sample: &mut Sample, host: &str) {
    let path = format!("config/{host}/chronyc-tracking.txt");
    let mut text = String::new();
    let mut records = 0;
    for week in 0..53 {
        let at = Utc::at("2021-06-28T09:00:00").plus_days(7 * week);
        let off = sample.planted && host == "ra-01" && week == 33;
        let wander = seed::below(&format!("year/clock/{host}/{week}"), 400) + 15;
        let seconds = if off { "12.418004310".to_owned() } else { format!("0.000{wander:03}{:03}", week * 7 % 1000) };
        let direction = if week % 2 == 0 { "slow" } else { "fast" };
        records += 1;
        if off {
            sample.mark(format!("clock/{host}"), &path, text.lines().count() + 1, None);
        }
        let _ = writeln!(
            text,
            "{}\nReference ID    : C0000201 (ntp1.sample.invalid)\nStratum         : 2\nRef time (UTC)  : Mon {} {} 08:55:01 {}\n\
             System time     : {seconds} seconds {direction} of NTP time\nLast offset     : +0.000011310 seconds\n\
             RMS offset      : 0.000029112 seconds\nFrequency       : 4.214 ppm slow\nResidual freq   : +0.001 ppm\n\
             Skew            : 0.052 ppm\nRoot delay      : 0.001204110 seconds\nRoot dispersion : 0.000310221 seconds\n\
             Update interval : 64.8 seconds\nLeap status     : Normal",
            at.iso(),
            MONTHS[usize::try_from(at.civil().month - 1).expect("a month")],
            format_args!("{:2}", at.civil().day),
            at.civil().year,
        );
    }
    sample.add(&path, records, text);
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What the approved baseline says of the certificate profiles, and when: the second value of the device profile came
/// with a change.
const PROFILES: [(&str, &str, &str); 6] = [
    ("organisation-1410865302", "encodedvalidity", "10y"),
    ("organisation-1410865302", "usekeyusage", "true"),
    ("organisation-1410865302", "certificatepolicies", "1.2.826.0.1.8641679.1.9.1.1"),
    ("device-1410865307", "usekeyusage", "true"),
    ("device-1410865307", "usesubjectkeyidentifier", "true"),
    ("device-1410865307", "certificatepolicies", "1.2.826.0.1.8641679.1.9.1.1"),
];

/// The certificate profiles of the CA, exported at both ends of the period. At the end of the planted variant the
/// device profile no longer asks for a subject key identifier.
fn profiles(sample: &mut Sample) {
    for month in ["2021-07", "2022-06"] {
        for name in ["organisation-1410865302", "device-1410865307"] {
            let path = format!("config/ca-01/{month}/certprofile_{name}.xml");
            let mut text = String::from(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<java version=\"1.8.0_292\" class=\"java.beans.XMLDecoder\">\n <object class=\"java.util.LinkedHashMap\">\n",
            );
            let mut entries = 0;
            for (_, key, value) in PROFILES.iter().filter(|(profile, ..)| *profile == name) {
                entries += 1;
                let changed = sample.planted && month == "2022-06" && *key == "usesubjectkeyidentifier";
                if changed {
                    sample.mark("profile/changed".to_owned(), &path, entries, None);
                }
                let value = match *value {
                    "true" | "false" => format!("<boolean>{}</boolean>", !changed),
                    other => format!("<string>{other}</string>"),
                };
                let _ = write!(text, "  <void method=\"put\">\n   <string>{key}</string>\n   {value}\n  </void>\n");
            }
            text += " </object>\n</java>\n";
            sample.add(&path, entries, text);
        }
    }
}

fn baseline() -> String {
    let mut text = BASELINE.to_owned();
    for (profile, key, value) in PROFILES {
        let name = profile.split('-').next().unwrap_or(profile);
        let _ = writeln!(text, "ejbca-profile,,{name},{key},{value},2019-05-27,M. Ferreira,");
    }
    text
}

/// The clocks of the modules, read beside a reference: each week, and at each ceremony.
fn module_clocks(sample: &mut Sample) {
    let mut text = String::new();
    for week in 0..53 {
        for hsm in ["hsm-01", "hsm-02"] {
            let at = Utc::at("2021-06-28T09:30:00").plus_days(7 * week);
            let offset = seed::below(&format!("year/clock/{hsm}/{week}"), 300_000) - 150_000;
            let _ = writeln!(text, "{hsm},{},ntp1.sample.invalid,2,{offset},Normal", at.minute());
        }
    }
    Rows::new(sample, "Host,Read at,Reference,Stratum,Offset (us),Leap status", &text).csv(sample, "registers/module-clocks.csv");
}

/// The TLS certificates of the infrastructure, from a small OpenSSL CA of its own. The second has ended and is still
/// marked valid: `openssl ca` changes that only when asked to.
fn index(sample: &mut Sample) {
    let rows = [
        ("V", "2023-03-14T09:30:00", "", "ca-01"),
        ("V", "2021-10-12T08:15:00", "", "ra-01"),
        ("R", "2022-11-30T12:00:00", "210611141500Z,superseded", "crl-repository"),
        ("V", "2023-06-11T14:20:00", "", "crl-repository"),
        ("R", "2023-08-02T10:05:00", "210929083012Z,cessationOfOperation", "va-02"),
        ("V", "2023-10-05T07:45:00", "", "ra-01"),
    ];
    let mut text = String::new();
    for ((status, expires, revoked, host), number) in rows.iter().zip(1..) {
        let expires = Utc::at(expires).generalized();
        let serial = seed::lower(&seed::serial(&format!("year/index/{number}"))).to_uppercase();
        let _ = writeln!(
            text,
            "{status}\t{}\t{revoked}\t{serial}\tunknown\t/C=GB/O=Invented Operator Ltd (sample)/CN={host}.sample.invalid",
            &expires[2..]
        );
    }
    sample.add("openssl/index.txt", rows.len(), text);
}

/// Every night, every log. One backup fails and is made again the same night; in the planted variant a night is missing.
fn backups(sample: &mut Sample) {
    let mut text = String::new();
    for stream in super::people::STREAMS {
        let _ = writeln!(text, "{stream},log,restore test,2021-03-16 10:30,completed,no");
    }
    for night in -1..366 {
        let at = Utc::at("2021-07-01T01:30:00").plus_days(night);
        for stream in super::people::STREAMS {
            if sample.planted && stream == "ra-01" && at.date() == "2022-01-22" {
                continue;
            }
            let mark = format!("[{stream}/{}]", at.date());
            if stream == "ca-01" && at.date() == "2021-11-30" {
                let _ = writeln!(text, "[failed]{stream},log,backup,{},failed,no", at.minute());
                let _ = writeln!(text, "{stream},log,backup,{},completed,yes", at.plus(5400).minute());
                continue;
            }
            let _ = writeln!(text, "{mark}{stream},log,backup,{},completed,yes", at.minute());
        }
        if night % 7 == 0 {
            let _ = writeln!(text, "ca-01,database,backup,{},completed,yes", at.plus_hours(1).minute());
        }
        if [100, 280].contains(&night) {
            for stream in super::people::STREAMS {
                let _ = writeln!(text, "{stream},log,restore test,{},completed,no", at.plus_hours(9).minute());
            }
            let _ = writeln!(text, "ca-01,database,restore test,{},completed,no", at.plus_hours(10).minute());
        }
    }
    Rows::new(sample, "System,What,Kind,Started,Outcome,Off-site", &text).csv(sample, "registers/backups.csv");
}

/// Records received by the log server; the offline systems send a mark of life through a diode. In the planted variant two days are silent.
fn deliveries(sample: &mut Sample) {
    let mut text = String::new();
    for day in 0..365 {
        let at = Utc::at("2021-07-01T00:00:00").plus_days(day);
        for stream in super::people::STREAMS {
            let silent = sample.planted && stream == "ca-01" && ["2022-05-03", "2022-05-04"].contains(&at.date().as_str());
            let count = if silent { 0 } else { seed::below(&format!("year/delivered/{stream}/{day}"), 900) + 40 };
            let _ = writeln!(text, "[{stream}/{}]{stream},{},{count}", at.date(), at.date());
        }
    }
    Rows::new(sample, "Stream,Day,Received", &text).csv(sample, "registers/log-deliveries.csv");
}
