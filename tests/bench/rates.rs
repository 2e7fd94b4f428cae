//! How fast the readers read, beside `sha256sum` of the same file in the same run, and whether their memory stays
//! as it is when the file grows: `cargo bench --bench rates`, with the name of a format for that one alone.
//!
//! The reader alone is timed, with the hash it makes of what it reads, on one core: what its records become is not.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark talks and may stop"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use assure::catalogue::Catalogue;
use assure::catalogue::engagement::Engagement;
use assure::domain::evidence::{Container, Evidence, HashStatus, Quality, Status};
use assure::parse::parse;

/// Megabytes of the file that is timed; a quarter of it shows what memory the rest costs.
const MEGABYTES: usize = 80;

/// A format, how its file begins, and a record of it: `{i}` is its number, `{n}` a long one, `{s}`
/// the seconds and `{d}` the day of it.
const FILES: &[(&str, &str, &str)] = &[
    (
        "ejbca-log",
        "",
        "2021-07-{d} 10:00:{s},400 INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (default task-9) 2021-07-{d} 10:00:{s}+01:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;CN=RA Officer 1,O=Sample,C=GB;-137128;{n}AF;DEV-{n};subjectdn=CN=DEV-{n};certprofile=1;issuancerevocationreason=-1\n",
    ),
    (
        "ejbca-audit-export-text",
        "",
        "pk\tnode-1\t{n}\t1609837200000\tCERT_CREATION\tSUCCESS\tCN=Admin\tCORE\tCERTIFICATE\t-137128\t{n}AF\tDEV-{n}\t<?xml version=\"1.0\"?><java version=\"11\" class=\"java.beans.XMLDecoder\"><object class=\"java.util.LinkedHashMap\"><void method=\"put\"><string>subjectdn</string><string>CN=DEV-{n}</string></void></object></java>\t1:2:3:00\n",
    ),
    (
        "dogtag-audit",
        "",
        "0.http-1 - [{d}/Jan/2021:09:00:{s} GMT] [14] [6] [AuditEvent=CERT_REQUEST_PROCESSED][SubjectID=agent1][Outcome=Success][ReqID={n}][CertSerialNum={n}] certificate request processed\n",
    ),
    ("cfssl-log", "", "2021/04/{d} 10:00:{s} [INFO] signed certificate with serial number {n}\n"),
    (
        "step-ca-text",
        "",
        "time=\"2021-01-{d}T10:00:{s}Z\" level=info duration=9ms duration-ns=9 fields.time=\"2021-01-{d}T10:00:{s}Z\" method=POST name=ca path=/sign protocol=HTTP/2.0 referer= remote-address=192.0.2.1 request-id=r{n} serial={n} size=9 status=201 subject=dev-{n} user-id=\n",
    ),
    ("utimaco-audit", "", "{d}.01.21 12:52:{s} [ADMIN~0,B~0] FC:0x083 SFC:0x0E Add User 'C{n}' (C~0,0,00000002) [0]\n"),
    ("utimaco-cslan", "", "000007 {d}.01.21 22:48:{s}.428 csxlan[573]: sig_handler() | got SIGTERM {n}\n"),
    ("nshield-cef", "", "<13>1 2021-01-{d}T10:00:{s}Z h CEF:0|nCipher|nShield|1|7|Sign|5|outcome=ok cn1={n}\n"),
    (
        "luna-audit",
        "",
        "{n},21/01/{d} 16:14:{s},S/N 150718 session 1 Access 2147483651:22621 SO container:20 operation LUNA_LOGIN returned RC_OK(0x00000000)\n",
    ),
    ("protectserver-audit", "", "2021-01-{d} 14:12:{s},success,0,Audit Log message {n},00000000000000000000,692f4100000000000000\n"),
    ("kskm-log", "", "2021-01-{d} 21:23:{s},097: keymaster: INFO Generated key: key_label=x{n}\n"),
    ("sha256sum", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  usr/bin/a{n}\n"),
    (
        "ejbca-audit-jsonl",
        "",
        "{\"pk\":\"6c94dce7a7e96cda859c8f3654ce59db\",\"nodeId\":\"ra-01\",\"sequenceNumber\":{n},\"timeStamp\":1625083200877,\"eventType\":\"ACCESS_CONTROL\",\"eventStatus\":\"SUCCESS\",\"authToken\":\"CN=RA Officer 1,O=Sample,C=GB\",\"service\":\"CORE\",\"module\":\"ACCESSCONTROL\",\"customId\":null,\"searchDetail1\":null,\"searchDetail2\":null,\"additionalDetails\":null,\"rowProtection\":\"1:2:123:bdc0bf1abb6f5031\"}\n",
    ),
    (
        "vault-audit",
        "",
        "{\"time\":\"2021-01-{d}T00:00:{s}Z\",\"type\":\"response\",\"auth\":{\"display_name\":\"token\"},\"request\":{\"id\":\"r{n}\",\"operation\":\"update\",\"path\":\"pki/issue/a\"},\"response\":{\"data\":{\"serial_number\":\"hmac-sha256:{n}\"}}}\n",
    ),
    (
        "ejbca-audit-csv",
        "pk,nodeId,sequenceNumber,timeStamp,eventType,eventStatus,authToken,service,module,customId,searchDetail1,searchDetail2,additionalDetails\n",
        "pk{n},node-1,{n},1609837200000,CERT_CREATION,SUCCESS,\"CN=Admin,O=Sample\",CORE,CERTIFICATE,-137128,{n}AF,DEV-{n},\n",
    ),
    (
        "requests-register",
        "request_id,requested_at,requester,entity,channel,outcome\n",
        "RQ-{n},2021-01-{d} 10:00:{s},CN=RA Officer 1,DEV-{n},manual,issued\n",
    ),
    ("openssl-index", "", "V\t330421081250Z\t\t{n}A\tunknown\t/C=GB/O=Sample/CN=DEV-{n}\n"),
    ("sshd-config", "", "# setting {n}\nPermitRootLogin no\n"),
    (
        "cloudhsm-audit",
        "",
        "Time: 01/{d}/21 21:01:{s}.140812, usecs:1609880477140812\nSequence No : 0x1\nReboot counter: 0xe8\nOpcode : CN_LOGIN (0xd)\nSession Handle : 0x{n}\nResponse : 0:HSM Return: SUCCESS\nLog type : USER_AUTH_LOG (2)\nUser Name : recovery\nUser Type : CN_CRYPTO_USER (1)\n\n",
    ),
    (
        "windows-event-list",
        "",
        "\nTimeCreated  : 7/{d}/2021 1:14:{s} PM\nProviderName : Microsoft-Windows-Security-Auditing\nId           : 4870\nMessage      : Certificate Services revoked a certificate.\n               \n               Serial Number:\t{n}A\n               Reason:\t5\n",
    ),
    (
        "adcs-certutil-view",
        "Schema:\n  Column Name                   Localized Name                Type    MaxLength\n  ----------------------------  ----------------------------  ------  ---------\n  Request.RequestID             Request ID                    Long    4 -- Indexed\n  Request.RequesterName         Requester Name                String  2048 -- Indexed\n  SerialNumber                  Serial Number                 String  128 -- Indexed\n\n",
        "Row {i}:\n  Request ID: 0x8 (8)\n  Requester Name: \"CORP\\a\"\n  Serial Number: \"{n}a\"\n\n",
    ),
    ("ejbca-configdump", "Object Type: Certification Authority\nVersion: 2\nExtensions:\n", "- Name: extension {n}\n  Value: a\n"),
    (
        "nmap",
        "<?xml version=\"1.0\"?>\n<nmaprun scanner=\"nmap\" start=\"1609837200\">\n",
        "<host starttime=\"1609837200\"><status state=\"up\"/><address addr=\"192.0.2.1\" addrtype=\"ipv4\"/><ports><port protocol=\"tcp\" portid=\"{n}\"><state state=\"open\"/><service name=\"ssh\"/></port></ports></host>\n",
    ),
];

/// How a file of that format ends.
fn ending(format: &str) -> &'static str {
    match format {
        "nmap" => "</nmaprun>\n",
        _ => "",
    }
}

fn write(place: &Path, (format, head, record): (&str, &str, &str), megabytes: usize) {
    let mut out = BufWriter::new(fs::File::create(place).unwrap());
    out.write_all(head.as_bytes()).unwrap();
    let (mut written, mut number) = (0, 0);
    while written < megabytes * 1_000_000 {
        number += 1;
        let line = record
            .replace("{i}", &number.to_string())
            .replace("{n}", &format!("{:06}", number + 100_000))
            .replace("{s}", &format!("{:02}", number % 60))
            .replace("{d}", &format!("{:02}", 10 + number % 18));
        written += line.len();
        out.write_all(line.as_bytes()).unwrap();
    }
    out.write_all(ending(format).as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Reads one file in a process of its own, and prints seconds, most memory in MiB, records and what was rejected.
fn alone(format: &str, file: &str) {
    let catalogue = Catalogue::load(&[]).unwrap();
    let evidence = Evidence {
        number: 1,
        id: String::new(),
        path: "file".to_owned(),
        file: file.into(),
        size: fs::metadata(file).unwrap().len(),
        sha256: String::new(),
        hash_status: HashStatus::None,
        format: Some(format.to_owned()),
        container: Container::Plain,
        status: Status::Used,
        quality: Quality::Ok,
        reason: None,
        also: Vec::new(),
    };
    let source = Engagement::default().on("file");
    let before = most_memory();
    let began = Instant::now();
    let parsed = parse(&evidence, &catalogue.formats, &source, &mut |_, batch| {
        std::hint::black_box(batch);
    });
    let seconds = began.elapsed().as_secs_f64();
    assert!(parsed.failed.is_none(), "{:?}", parsed.failed);
    println!("{seconds} {} {} {}", most_memory().saturating_sub(before), parsed.records, parsed.rejected);
}

/// The most memory this process has had, in MiB.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024
}

/// Seconds, memory in MiB, records, rejected: the quickest of three.
fn measured(format: &str, place: &Path) -> (f64, u64, u64, u64) {
    let once = || {
        let output = Command::new(std::env::current_exe().unwrap()).args(["--alone", format]).arg(place).output().unwrap();
        assert!(output.status.success(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut parts = text.split_whitespace();
        let seconds: f64 = parts.next().unwrap().parse().unwrap();
        let mut number = || parts.next().unwrap().parse().unwrap();
        (seconds, number(), number(), number())
    };
    (0..3).map(|_| once()).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

fn hashed(place: &Path) -> f64 {
    let once = || {
        let began = Instant::now();
        assert!(Command::new("sha256sum").arg(place).output().expect("sha256sum").status.success());
        began.elapsed().as_secs_f64()
    };
    (0..3).map(|_| once()).min_by(f64::total_cmp).unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [flag, format, file] = arguments.as_slice()
        && flag == "--alone"
    {
        return alone(format, file);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut table =
        format!("{:<26}{:>9}{:>12}{:>9}{:>11}{:>22}\n", "format", "MB/s", "sha256sum", "ratio", "records", "MiB at 1/4 and whole");
    for &(format, head, record) in
        FILES.iter().filter(|(format, ..)| arguments.is_empty() || arguments.iter().any(|wanted| wanted == format))
    {
        let (quarter, whole) = (folder.path().join("quarter"), folder.path().join("whole"));
        write(&quarter, (format, head, record), MEGABYTES / 4);
        write(&whole, (format, head, record), MEGABYTES);
        let size = fs::metadata(&whole).unwrap().len() as f64 / 1e6;
        let hash = hashed(&whole);
        let (seconds, memory, records, rejected) = measured(format, &whole);
        let (_, less, ..) = measured(format, &quarter);
        let refused = if rejected > 0 { format!("   {rejected} rejected") } else { String::new() };
        writeln!(
            table,
            "{format:<26}{:>9.0}{:>12.0}{:>9.2}{records:>11}{:>22}{refused}",
            size / seconds,
            size / hash,
            hash / seconds,
            format!("{less} and {memory}")
        )
        .unwrap();
        eprint!("{}", table.lines().last().unwrap_or_default());
        eprintln!();
    }
    print!("{table}");
}
