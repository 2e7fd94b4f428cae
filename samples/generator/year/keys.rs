//! Keys, the shares that protect them, and the ceremonies at which they are used.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;
use super::pki::{Pki, authority_lists};
use super::rows::{Rows, workbook};

/// A ceremony: reference, kind, start, minutes it took, room, module, key, script, when that was approved.
pub struct Ceremony {
    pub id: &'static str,
    kind: &'static str,
    from: &'static str,
    minutes: i64,
    hsm: &'static str,
    key: &'static str,
    script: &'static str,
    approved: &'static str,
    /// `+` in the planted variant only, `-` in the clean one only.
    variant: &'static str,
}

const fn ceremony(
    id: &'static str,
    kind: &'static str,
    (from, minutes): (&'static str, i64),
    (hsm, key): (&'static str, &'static str),
    (script, approved): (&'static str, &'static str),
    variant: &'static str,
) -> Ceremony {
    Ceremony { id, kind, from, minutes, hsm, key, script, approved, variant }
}

pub const CEREMONIES: [Ceremony; 11] = [
    ceremony("CER-2019-01", "Root key generation", ("2019-06-03T09:30", 120), ("hsm-02", "K-ROOT-1"), ("KCS-01", "2019-05-20"), ""),
    ceremony("CER-2019-02", "Issuing key generation", ("2019-06-03T13:00", 120), ("hsm-01", "K-ISS-1"), ("KCS-02", "2019-05-20"), ""),
    ceremony("CER-2021-01", "ARL signing", ("2021-02-10T10:00", 90), ("hsm-02", "K-ROOT-1"), ("KCS-03", "2020-05-11"), ""),
    ceremony("CER-2021-02", "Other", ("2021-08-19T10:00", 60), ("hsm-00", ""), ("KCS-05", "2021-07-12"), ""),
    ceremony("CER-2021-03", "Issuing key generation", ("2021-09-14T13:00", 50), ("hsm-01", "K-ISS-2"), ("KCS-02", "2021-08-30"), ""),
    ceremony("CER-2021-04", "Key signing", ("2021-09-14T13:52", 60), ("hsm-02", "K-ROOT-1"), ("KCS-04", "2021-08-30"), ""),
    ceremony("CER-2021-05", "Destruction", ("2021-11-02T10:00", 45), ("hsm-01", "K-TR-1"), ("KCS-05", "2021-07-12"), ""),
    ceremony("CER-2021-06", "ARL signing", ("2021-11-23T10:00", 90), ("hsm-02", "K-ROOT-1"), ("KCS-03", "2020-05-11"), "-"),
    ceremony("CER-2022-01", "Share re-issue", ("2022-02-08T13:00", 90), ("hsm-02", "K-ROOT-1"), ("KCS-06", "2022-01-24"), ""),
    ceremony("CER-2022-02", "ARL signing", ("2022-02-22T10:00", 90), ("hsm-02", "K-ROOT-1"), ("KCS-03", "2020-05-11"), "+"),
    ceremony("CER-2022-03", "ARL signing", ("2022-05-31T10:00", 90), ("hsm-02", "K-ROOT-1"), ("KCS-03", "2020-05-11"), ""),
];

/// Planted: a step without initials, and a module in a bag nobody sealed.
const NOT_INITIALLED: (&str, i64) = ("CER-2021-05", 4);
const WRONG_BAG: (&str, &str) = ("CER-2022-03", "hsm-02");

impl Ceremony {
    pub fn visible(&self, planted: bool) -> bool {
        self.variant.is_empty() || (self.variant == "+") == planted
    }

    pub fn span(&self) -> (Utc, Utc) {
        let from = Utc::at(self.from);
        (from, from.plus(60 * self.minutes))
    }

    /// Who took part, and as what. One custodian less at the last signing of the planted variant.
    pub fn people(&self, planted: bool) -> Vec<(&'static str, &'static str)> {
        let mut people = vec![
            ("W. Adeyemi", "Ceremony administrator"),
            ("A. Whitlock", "CA operator"),
            ("S. Nakamura", "HSM operator"),
            ("L. Duarte", "Key custodian"),
            ("G. Osei", "Key custodian"),
            ("R. Stein", "Key custodian"),
            ("E. Holm", "Internal witness"),
            ("C. Abernathy", "Auditor"),
        ];
        if self.id == "CER-2022-01" {
            people.extend([("N. Fairweather", "Key custodian"), ("J. Whitcombe", "Key custodian"), ("I. Varga", "Key custodian")]);
        }
        if planted && self.id == "CER-2022-03" {
            people.retain(|(person, _)| *person != "R. Stein");
        }
        people
    }
}

const SHARE_SETS: &str = "\
CS-ISS,hsm-01,3,6,2019-06-03,CER-2019-02,
CS-ROOT,hsm-02,3,6,2019-06-03,CER-2019-01,2022-02-08
CS-ROOT-2,hsm-02,3,6,2022-02-08,CER-2022-01,
[-]CS-AUD,log-01,2,3,2019-06-03,CER-2019-02,
[+weak]CS-AUD,log-01,3,3,2019-06-03,CER-2019-02,
";

/// Set, share, custodian, employer, team, knows the PIN, safe, from, until.
const CUSTODIANS: &str = "\
CS-ISS,1,L. Duarte,Invented Operator Ltd,Finance,no,Safe A,2019-06-03,
CS-ISS,2,N. Fairweather,Invented Operator Ltd,Legal,no,Safe B,2019-06-03,
CS-ISS,3,G. Osei,Sample Trust Services Ltd,Service,no,Safe C,2019-06-03,
CS-ISS,4,K. Lund,Sample Trust Services Ltd,Quality,no,Safe A,2019-06-03,2022-01-24
CS-ISS,4,J. Whitcombe,Sample Trust Services Ltd,Quality,no,Safe A,2022-01-24,
CS-ISS,5,R. Stein,Northbank Secure Hosting Ltd,Facilities,no,Safe B,2019-06-03,
CS-ISS,6,I. Varga,Northbank Secure Hosting Ltd,Operations,no,Safe C,2019-06-03,
CS-ROOT,1,L. Duarte,Invented Operator Ltd,Finance,no,Safe A,2019-06-03,2022-02-08
CS-ROOT,2,N. Fairweather,Invented Operator Ltd,Legal,no,Safe B,2019-06-03,2022-02-08
CS-ROOT,3,G. Osei,Sample Trust Services Ltd,Service,no,Safe C,2019-06-03,2022-02-08
CS-ROOT,4,K. Lund,Sample Trust Services Ltd,Quality,no,Safe A,2019-06-03,2022-01-24
CS-ROOT,4,J. Whitcombe,Sample Trust Services Ltd,Quality,no,Safe A,2022-01-24,2022-02-08
CS-ROOT,5,R. Stein,Northbank Secure Hosting Ltd,Facilities,no,Safe B,2019-06-03,2022-02-08
CS-ROOT,6,I. Varga,Northbank Secure Hosting Ltd,Operations,no,Safe C,2019-06-03,2022-02-08
[-]CS-ROOT-2,1,L. Duarte,Invented Operator Ltd,Finance,no,Safe A,2022-02-08,
[+before]CS-ROOT-2,1,L. Duarte,Invented Operator Ltd,Finance,no,Safe A,2022-02-08,2022-03-01
[+third of one provider]CS-ROOT-2,1,F. Moreau,Northbank Secure Hosting Ltd,Service desk,no,Safe A,2022-03-01,
CS-ROOT-2,2,N. Fairweather,Invented Operator Ltd,Legal,no,Safe B,2022-02-08,
CS-ROOT-2,3,G. Osei,Sample Trust Services Ltd,Service,no,Safe C,2022-02-08,
CS-ROOT-2,4,J. Whitcombe,Sample Trust Services Ltd,Quality,no,Safe A,2022-02-08,
CS-ROOT-2,5,R. Stein,Northbank Secure Hosting Ltd,Facilities,no,Safe B,2022-02-08,
CS-ROOT-2,6,I. Varga,Northbank Secure Hosting Ltd,Operations,no,Safe C,2022-02-08,
CS-AUD,1,L. Duarte,Invented Operator Ltd,Finance,no,Safe A,2019-06-03,
CS-AUD,2,G. Osei,Sample Trust Services Ltd,Service,no,Safe B,2019-06-03,
CS-AUD,3,R. Stein,Northbank Secure Hosting Ltd,Facilities,no,Safe C,2019-06-03,
";

const HSMS: &str = "\
hsm-00,Invented Modules,IM-500,4471,4.10.2,4.31.0.3,FIPS 140-2 #9000,yes,Key room,2016-04-18,2021-08-20,2021-08-19
hsm-01,Invented Modules,IM-500,5502,5.01.2,5.0.11.1,FIPS 140-2 #9001,yes,Machine room,2019-06-03,,
hsm-02,Invented Modules,IM-500,5503,5.01.2,5.0.11.1,FIPS 140-2 #9001,yes,Key room,2019-06-03,,
[-]hsm-03,Invented Modules,IM-500,5731,5.01.2,5.0.11.1,FIPS 140-2 #9001,yes,Key room,2021-12-01,,
[+firmware]hsm-03,Invented Modules,IM-500,5731,5.01.2,5.1.0.0,FIPS 140-2 #9001,yes,Key room,2021-12-01,,
";

const VALIDATIONS: &str = "\
FIPS 140-2 #9000,FIPS 140-2,3,4.10.2,4.31.0.3,historical,2015-09-14,,2022-07-11
FIPS 140-2 #9001,FIPS 140-2,3,5.01.2,5.0.11.1,active,2018-11-05,,2022-07-11
";

const DESTRUCTIONS: &str = "\
hsm-00,hsm,2021-08-19,zeroised and shredded,E. Holm,L. Duarte,CER-2021-02
K-TR-1,key,2021-11-02,deleted in the module,E. Holm,L. Duarte,CER-2021-05
K-TR-1/B1,copy,2021-11-02,shredded,E. Holm,L. Duarte,CER-2021-05
CS-ROOT,share set,2022-02-08,shredded,E. Holm,M. Ferreira,CER-2022-01
";

pub fn build(sample: &mut Sample, pki: &Pki) {
    let sets = Rows::new(sample, "Set,Protects,Needed,Shares,Made on,Ceremony,Retired on", SHARE_SETS);
    let custodians = Rows::new(sample, "Set,Share,Custodian,Employer,Team,Holds PIN,Safe,From,To", CUSTODIANS);
    let movements = custody(sample);
    workbook(sample, "registers/shares.xlsx", vec![("Share sets", sets), ("Custodians", custodians), ("Custody log", movements)]);
    let header = "HSM,Vendor,Model,Serial,Hardware version,Firmware version,FIPS certificate,Approved mode,Location,In service since,Retired on,Zeroised on";
    let inventory = Rows::new(sample, header, HSMS);
    let header = "Certificate number,Standard,Level,Hardware version,Firmware version,Status,Validated on,Revoked on,Looked up on";
    let validations = Rows::new(sample, header, VALIDATIONS);
    let (attributes, counters) = (attributes(sample), counters(sample, pki));
    let sheets = vec![("Modules", inventory), ("Validations", validations), ("Attributes", attributes), ("Counters", counters)];
    workbook(sample, "registers/modules.xlsx", sheets);
    let (keys, copies) = register(sample, pki);
    let destructions = Rows::new(sample, "Item,Kind,Destroyed on,Method,Witness 1,Witness 2,Ceremony", DESTRUCTIONS);
    workbook(sample, "registers/keys.xlsx", vec![("Keys", keys), ("Copies", copies), ("Destructions", destructions)]);
    ceremonies(sample);
}

fn register(sample: &Sample, pki: &Pki) -> (Rows<'static>, Rows<'static>) {
    let [root, first, second] = &pki.public_keys;
    let ends = if sample.planted { "2022-01-31" } else { "2022-12-31" };
    let text = format!(
        "\
K-ROOT-1,rootSignKey,asymmetric,Root CA,ECDSA,256,W. Adeyemi,hsm-02,{root},880021735,CS-ROOT-2,CER-2019-01,2019-06-03,2019-06-03,2044-06-03,,,active
[first]K-ISS-1,issuing1SignKey,asymmetric,Issuing CA,ECDSA,256,W. Adeyemi,hsm-01,{first},1733120061,CS-ISS,CER-2019-02,2019-06-03,2019-06-03,{ends},,,active
K-ISS-2,issuing2SignKey,asymmetric,Issuing CA,ECDSA,256,W. Adeyemi,hsm-01,{second},1733120061,CS-ISS,CER-2021-03,2021-09-14,2021-09-14,2034-09-14,,,active
K-AUD-1,auditSignKey,asymmetric,Audit,ECDSA,256,C. Abernathy,hsm-01,{},,CS-AUD,CER-2019-02,2019-06-03,2019-06-03,2024-06-03,,,active
K-TR-1,transport1,symmetric,Transport,AES,256,W. Adeyemi,hsm-01,,,CS-ISS,CER-2019-02,2019-06-03,2019-06-10,2021-12-31,2021-11-01,2021-11-02,destroyed
",
        seed::hex("year/audit key", 32),
    );
    let header = "Key ID,Key label,Key kind,Purpose,Algorithm,Key length,Owner,HSM,Public key SHA-256,Crypto token,Card set,Generated at ceremony,Generated on,Activated on,Usage ends,Deactivated on,Destroyed on,State";
    let keys = Rows::new(sample, header, &text);
    let copies = "\
K-ROOT-1/B1,K-ROOT-1,backup,Smart card set in Safe D,yes,2019-06-03,CER-2019-01,2022-06-20,
[-]K-ISS-1/B1,K-ISS-1,backup,Smart card set in Safe D,yes,2019-06-03,CER-2019-02,2022-06-20,
[+plain]K-ISS-1/B1,K-ISS-1,backup,Smart card set in Safe D,no,2019-06-03,CER-2019-02,2022-06-20,
K-ISS-2/B1,K-ISS-2,backup,Smart card set in Safe D,yes,2021-09-14,CER-2021-03,2022-06-20,
K-TR-1/B1,K-TR-1,backup,Smart card set in Safe D,yes,2019-06-03,CER-2019-02,2021-06-21,2021-11-02
";
    let header = "Copy ID,Key ID,Kind,Held in,Encrypted,Made on,Ceremony,Counted on,Destroyed on";
    (keys, Rows::new(sample, header, copies))
}

fn attributes(sample: &Sample) -> Rows<'static> {
    let mut attributes = String::new();
    for (hsm, label) in [("hsm-01", "issuing1SignKey"), ("hsm-02", "rootSignKey"), ("hsm-01", "issuing2SignKey")] {
        for day in ["2021-07-01", "2022-06-29"] {
            if label == "issuing2SignKey" && day == "2021-07-01" {
                continue;
            }
            let odd = sample.planted && label == "issuing2SignKey";
            let mark = if odd { "[extractable]" } else { "" };
            attributes += &format!("{mark}{hsm},{label},{day},yes,{},sign\n", if odd { "yes" } else { "no" });
        }
    }
    Rows::new(sample, "HSM,Key label,Read on,Sensitive,Extractable,Usages", &attributes)
}

/// Counters read at noon on the first and last day: what was signed in between is known to the last signature. The
/// planted variant has signed less with the first key than was issued under it.
fn counters(sample: &Sample, pki: &Pki) -> Rows<'static> {
    let (from, until) = (Utc::at("2021-07-01T06:00:00"), Utc::at("2022-06-30T20:00:00"));
    let between = |at: Utc, from: Utc| from <= at && at < until;
    let used = |ca: usize, from: Utc| {
        let certificates = pki.issues.iter().filter(|issue| issue.ca == ca && between(issue.at, from)).count();
        certificates + pki.lists.iter().filter(|list| list.ca == Some(ca) && between(list.at, from)).count()
    };
    let second = Utc::at("2021-09-14T15:00:00");
    let root = 1 + authority_lists(sample.planted).iter().filter(|at| between(**at, from)).count();
    let lost = usize::from(sample.planted) * 12;
    let text = format!(
        "\
K-ROOT-1,{0},11
K-ROOT-1,{1},{root}
K-ISS-1,{0},20817
[first]K-ISS-1,{1},{first}
K-ISS-2,{2},2
K-ISS-2,{1},{other}
",
        from.minute(),
        until.minute(),
        second.minute(),
        root = 11 + root,
        first = 20_817 + used(0, from) - lost,
        other = 2 + used(1, second),
    );
    Rows::new(sample, "Key ID,Read at,Signatures", &text)
}

pub fn script_sha256(script: &str) -> String {
    seed::hex(&format!("year/script/{script}"), 32)
}

fn ceremonies(sample: &mut Sample) {
    let (mut held, mut people, mut steps, mut items) = (String::new(), String::new(), String::new(), String::new());
    for ceremony in CEREMONIES.iter().filter(|ceremony| ceremony.visible(sample.planted)) {
        let (from, until) = ceremony.span();
        let Ceremony { id, kind, hsm, key, script, approved, .. } = ceremony;
        let sha256 = script_sha256(script);
        held += &format!(
            "[{id}]{id},{kind},{},{},Key room,{hsm},{key},{script},{sha256},{approved},M. Ferreira,completed\n",
            from.minute(),
            until.minute()
        );
        for (person, role) in ceremony.people(sample.planted) {
            let employer = employer(person);
            people +=
                &format!("[{id}/{person}]{id},{person},{role},{employer},{},{},yes\n", from.plus(-600).minute(), until.plus(240).minute());
        }
        let activities = [
            "Open the bags and check their numbers",
            "Start the host from its read-only image",
            "Authenticate the custodians",
            "Carry out the operation",
            "Read back and compare",
            "Seal the bags",
        ];
        for (step, activity) in (1_i64..).zip(activities) {
            let missing = sample.planted && (*id, step) == NOT_INITIALLED;
            let at = from.plus((until.0 - from.0) / 7 * step);
            let who = if step == 4 { "A. Whitlock" } else { "S. Nakamura" };
            let initials = if missing { "no" } else { "yes" };
            steps += &format!("[{id}/{step}]{id},{step},{activity},{who},{initials},{},,\n", at.minute());
        }
        if *hsm == "hsm-02" {
            let turn = CEREMONIES.iter().filter(|c| c.visible(sample.planted) && c.hsm == *hsm && c.span().0 < from).count();
            items += &format!("[{id}]{id},{hsm},HSM,{},{}\n", found(sample.planted, id, hsm, turn), bag(hsm, turn + 1));
        }
    }
    let held = Rows::new(
        sample,
        "Ceremony,Kind,Started,Ended,Location,HSM,Key,Script,Script SHA-256,Script approved on,Script approved by,Outcome",
        &held,
    );
    let people = Rows::new(sample, "Ceremony,Name,Role,Organisation,Arrived,Departed,Signed", &people);
    let steps = Rows::new(sample, "Ceremony,Step,Activity,Performed by,Initialled,Time,Deviation,Explained", &steps);
    let items = Rows::new(sample, "Ceremony,Item,Kind,Bag found,Bag sealed", &items);
    let sheets = vec![("Ceremonies", held), ("Participants", people), ("Steps", steps), ("Equipment", items)];
    workbook(sample, "registers/ceremonies.xlsx", sheets);
}

pub fn employer(person: &str) -> &'static str {
    match person {
        "S. Nakamura" | "G. Osei" | "K. Lund" | "J. Whitcombe" | "V. Petrov" => "Sample Trust Services Ltd",
        "R. Stein" | "I. Varga" | "F. Moreau" => "Northbank Secure Hosting Ltd",
        _ => "Invented Operator Ltd",
    }
}

/// Each bag is opened at the next ceremony.
fn bag(item: &str, turn: usize) -> String {
    format!("TEB-{}-{}", item.replace('/', "-"), 100 + turn)
}

/// The bag an item is found in: at the last ceremony of the planted variant, one that nobody sealed.
fn found(planted: bool, ceremony: &str, item: &str, turn: usize) -> String {
    let wrong = planted && (ceremony, item) == WRONG_BAG;
    if wrong { "TEB-hsm-02-217".to_owned() } else { bag(item, turn) }
}

/// The offline module and the cards of its custodians leave their safes for each ceremony.
fn custody(sample: &Sample) -> Rows<'static> {
    let mut rows: Vec<(Utc, String)> = Vec::new();
    let mut chain: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for ceremony in CEREMONIES.iter().filter(|ceremony| ceremony.visible(sample.planted)) {
        let (from, until) = ceremony.span();
        let mut moved = vec![(ceremony.hsm.to_owned(), "HSM", "Safe D", "S. Nakamura")];
        for (share, custodian, safe) in [("1", "L. Duarte", "Safe A"), ("3", "G. Osei", "Safe C"), ("5", "R. Stein", "Safe B")] {
            let present = ceremony.people(sample.planted).iter().any(|(person, _)| *person == custodian);
            if ceremony.hsm == "hsm-02" && present {
                let set = if from < Utc::at("2022-02-09T00:00") { "CS-ROOT" } else { "CS-ROOT-2" };
                moved.push((format!("{set}/{share}"), "card", safe, custodian));
            }
        }
        moved.retain(|(item, ..)| item != "hsm-01");
        for (item, kind, safe, who) in moved {
            let turn = chain.entry(item.clone()).or_insert(0);
            let found = found(sample.planted, ceremony.id, &item, *turn);
            let mark = format!("[{}/{item}]", ceremony.id);
            // Sealed for the first time at the end of its first ceremony.
            if *turn > 0 {
                rows.push((
                    from.plus(-1500),
                    format!("{mark}{item},{kind},out,{},{found},,{safe},{who},W. Adeyemi,{}", from.plus(-1500).minute(), ceremony.id),
                ));
            }
            rows.push((
                until.plus(600),
                format!("{item},{kind},in,{},,{},{safe},{who},W. Adeyemi,{}", until.plus(600).minute(), bag(&item, *turn + 1), ceremony.id),
            ));
            *turn += 1;
        }
    }
    rows.sort();
    let text: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
    let header = "Item,Item type,Direction,Date and time,Bag found,Bag sealed,Safe,Moved by,Witnessed by,Purpose";
    Rows::new(sample, header, &text.join("\n"))
}
