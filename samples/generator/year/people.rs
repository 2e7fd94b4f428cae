//! Who works there, what they may do, and where they were.

use super::super::time::Utc;
use super::Sample;
use super::keys::CEREMONIES;
use super::rows::{Rows, workbook};

/// Person, employer, team, first day, first day after the last.
const PEOPLE: &str = "\
A. Whitlock,Invented Operator Ltd,Platform,2019-03-04,
D. Kowalczyk,Invented Operator Ltd,Platform,2019-09-02,
S. Nakamura,Sample Trust Services Ltd,Infrastructure,2019-04-01,
P. Marlow,Invented Operator Ltd,Registration,2019-03-04,
J. Okafor,Invented Operator Ltd,Assurance,2019-03-04,
H. Lindqvist,Invented Operator Ltd,Registration,2021-06-14,
T. Brandt,Invented Operator Ltd,Assurance,2020-01-06,
C. Abernathy,Invented Operator Ltd,Assurance,2019-03-04,
V. Petrov,Sample Trust Services Ltd,Infrastructure,2020-02-10,2021-10-16
M. Ferreira,Invented Operator Ltd,Security,2019-03-04,
W. Adeyemi,Invented Operator Ltd,Key management,2019-03-04,
E. Holm,Invented Operator Ltd,Internal audit,2019-03-04,
L. Duarte,Invented Operator Ltd,Finance,2018-05-14,
N. Fairweather,Invented Operator Ltd,Legal,2018-11-05,
G. Osei,Sample Trust Services Ltd,Service,2018-02-19,
K. Lund,Sample Trust Services Ltd,Quality,2017-08-07,2022-02-01
J. Whitcombe,Sample Trust Services Ltd,Quality,2019-10-07,
R. Stein,Northbank Secure Hosting Ltd,Facilities,2016-01-11,
I. Varga,Northbank Secure Hosting Ltd,Operations,2018-06-25,
F. Moreau,Northbank Secure Hosting Ltd,Service desk,2019-01-14,
";

/// Person, role, system, first day, first day without, granted by.
const ROLES: &str = "\
A. Whitlock,System administrator,ca-01,2019-06-03,,M. Ferreira
[A. Whitlock/CA administrator]A. Whitlock,CA administrator,ca-01,2019-06-03,,M. Ferreira
S. Nakamura,System administrator,ra-01,2019-06-03,,M. Ferreira
W. Adeyemi,System administrator,hsm-02,2019-06-03,,M. Ferreira
D. Kowalczyk,CA administrator,ca-01,2019-11-18,,M. Ferreira
P. Marlow,Registration officer,ra-01,2019-06-03,,M. Ferreira
J. Okafor,Registration officer,ra-01,2019-06-03,2021-09-30,M. Ferreira
[J. Okafor/Auditor]J. Okafor,Auditor,all,2021-09-30,,M. Ferreira
[H. Lindqvist/Registration officer]H. Lindqvist,Registration officer,ra-01,2021-09-27,,M. Ferreira
[-]T. Brandt,Registration officer,ra-01,2020-01-13,2021-10-02,M. Ferreira
[+T. Brandt/Registration officer]T. Brandt,Registration officer,ra-01,2020-01-13,2021-10-19,M. Ferreira
[T. Brandt/Auditor]T. Brandt,Auditor,all,2021-10-05,,M. Ferreira
C. Abernathy,Auditor,all,2019-06-03,,M. Ferreira
[C. Abernathy/Operator]C. Abernathy,Operator,repo-01,2020-02-03,,S. Nakamura
L. Duarte,Key custodian,hsm-02,2019-06-03,,M. Ferreira
N. Fairweather,Key custodian,hsm-02,2019-06-03,,M. Ferreira
[G. Osei]G. Osei,Key custodian,hsm-02,2019-06-03,,M. Ferreira
K. Lund,Key custodian,hsm-02,2019-06-03,2022-02-01,M. Ferreira
J. Whitcombe,Key custodian,hsm-02,2022-01-24,,M. Ferreira
R. Stein,Key custodian,hsm-02,2019-06-03,,M. Ferreira
I. Varga,Key custodian,hsm-02,2019-06-03,,M. Ferreira
[+F. Moreau/Key custodian]F. Moreau,Key custodian,hsm-02,2022-03-01,,M. Ferreira
V. Petrov,Operator,ca-01,2020-03-02,2021-10-16,A. Whitlock
";

/// Account, system, person, kind, privileged, role, created, disabled.
const ACCOUNTS: &str = "\
ca-01,\"CN=CA Administrator 1,O=Sample,C=GB\",A. Whitlock,person,yes,CA administrator,2019-06-03,
ca-01,\"CN=CA Administrator 2,O=Sample,C=GB\",D. Kowalczyk,person,yes,CA administrator,2019-11-18,
ca-01,\"CN=RA Officer 1,O=Sample,C=GB\",P. Marlow,person,no,Registration officer,2019-06-03,
ca-01,\"CN=RA Officer 2,O=Sample,C=GB\",J. Okafor,person,no,Registration officer,2019-06-03,2021-09-29
ca-01,\"CN=RA Officer 3,O=Sample,C=GB\",H. Lindqvist,person,no,Registration officer,2021-09-27,
ca-01,\"CN=RA Officer 4,O=Sample,C=GB\",T. Brandt,person,no,Registration officer,2020-01-13,2021-10-01
ca-01,\"CN=Device Gateway,O=Sample,C=GB\",W. Adeyemi,service,no,,2019-06-03,
ca-01,ScheduledTask,W. Adeyemi,service,no,,2019-06-03,
ca-01,StartServicesServlet.init,W. Adeyemi,service,no,,2019-06-03,
[-]ca-01,vpetrov,V. Petrov,person,no,Operator,2020-03-02,2021-10-15
[+leaver]ca-01,vpetrov,V. Petrov,person,no,Operator,2020-03-02,2021-12-03
ca-01,awhitlock,A. Whitlock,person,yes,System administrator,2019-06-03,
ra-01,\"CN=RA Officer 1,O=Sample,C=GB\",P. Marlow,person,no,Registration officer,2019-06-03,
ra-01,\"CN=RA Officer 2,O=Sample,C=GB\",J. Okafor,person,no,Registration officer,2019-06-03,2021-09-29
ra-01,\"CN=RA Officer 3,O=Sample,C=GB\",H. Lindqvist,person,no,Registration officer,2021-09-27,
ra-01,snakamura,S. Nakamura,person,yes,System administrator,2019-06-03,
root-01,\"CN=CA Administrator 1,O=Sample,C=GB\",A. Whitlock,person,yes,CA administrator,2019-06-03,
root-01,\"CN=CA Administrator 2,O=Sample,C=GB\",D. Kowalczyk,person,yes,CA administrator,2019-11-18,
root-01,StartServicesServlet.init,W. Adeyemi,service,no,,2019-06-03,
hsm-01,ADMIN,S. Nakamura,person,yes,System administrator,2019-06-03,
hsm-01,ADM2,A. Whitlock,person,yes,System administrator,2019-06-03,
hsm-02,ADMIN,S. Nakamura,person,yes,System administrator,2019-06-03,
hsm-02,ADM2,A. Whitlock,person,yes,System administrator,2019-06-03,
log-01,cabernathy,C. Abernathy,person,no,Auditor,2019-06-03,
log-01,jokafor,J. Okafor,person,no,Auditor,2021-09-30,
log-01,tbrandt,T. Brandt,person,no,Auditor,2021-10-05,
log-01,collector,M. Ferreira,service,no,,2019-06-03,
[+reader]log-01,dkowalczyk,D. Kowalczyk,person,yes,CA administrator,2022-01-17,
repo-01,publisher,W. Adeyemi,service,no,,2019-06-03,
repo-01,snakamura,S. Nakamura,person,yes,System administrator,2019-06-03,
[+shared]repo-01,repoadmin,S. Nakamura,shared,yes,,2022-02-14,
";

/// Person, level, from, until, who confirmed it.
const VETTING: &str = "\
A. Whitlock,SC,2019-02-11,2029-02-11,Invented Operator Ltd
D. Kowalczyk,SC,2019-08-19,2029-08-19,Invented Operator Ltd
S. Nakamura,SC,2019-03-18,2029-03-18,Invented Operator Ltd
P. Marlow,SC,2019-02-18,2029-02-18,Invented Operator Ltd
J. Okafor,SC,2019-02-18,2029-02-18,Invented Operator Ltd
[-]H. Lindqvist,SC,2021-09-13,2031-09-13,Invented Operator Ltd
[+late]H. Lindqvist,SC,2021-10-25,2031-10-25,Invented Operator Ltd
T. Brandt,SC,2019-12-16,2029-12-16,Invented Operator Ltd
C. Abernathy,SC,2019-02-18,2029-02-18,Invented Operator Ltd
V. Petrov,SC,2020-01-27,2030-01-27,Invented Operator Ltd
M. Ferreira,DV,2018-10-01,2025-10-01,Invented Operator Ltd
W. Adeyemi,SC,2019-02-11,2029-02-11,Invented Operator Ltd
E. Holm,SC,2019-02-11,2029-02-11,Invented Operator Ltd
L. Duarte,SC,2019-03-11,2029-03-11,Invented Operator Ltd
N. Fairweather,SC,2019-03-11,2029-03-11,Invented Operator Ltd
[-]G. Osei,SC,2019-03-25,2029-03-25,Invented Operator Ltd
[+expired]G. Osei,SC,2017-03-27,2022-03-27,Invented Operator Ltd
K. Lund,SC,2019-03-25,2029-03-25,Invented Operator Ltd
J. Whitcombe,SC,2021-12-06,2031-12-06,Invented Operator Ltd
R. Stein,SC,2017-02-01,2022-02-01,Invented Operator Ltd
[renewed in time]R. Stein,SC,2022-02-01,2032-02-01,Invented Operator Ltd
I. Varga,SC,2019-04-08,2029-04-08,Invented Operator Ltd
F. Moreau,SC,2021-11-15,2031-11-15,Invented Operator Ltd
";

/// Person, course, role, completed, until.
const TRAINING: &str = "\
A. Whitlock,CA operations,System administrator,2021-05-11,2023-05-11
A. Whitlock,CA administration,CA administrator,2021-05-11,2023-05-11
W. Adeyemi,HSM operations,System administrator,2021-05-11,2023-05-11
S. Nakamura,CA operations,System administrator,2021-05-11,2023-05-11
D. Kowalczyk,CA operations,CA administrator,2021-05-11,2023-05-11
P. Marlow,Registration,Registration officer,2021-05-18,2023-05-18
J. Okafor,Registration,Registration officer,2021-05-18,2023-05-18
J. Okafor,Audit of CA systems,Auditor,2021-09-21,2023-09-21
H. Lindqvist,Registration,Registration officer,2021-09-21,2023-09-21
T. Brandt,Registration,Registration officer,2021-05-18,2023-05-18
[-]T. Brandt,Audit of CA systems,Auditor,2021-09-22,2023-09-22
[+late]T. Brandt,Audit of CA systems,Auditor,2021-11-23,2023-11-23
C. Abernathy,Audit of CA systems,Auditor,2021-03-16,2023-03-16
C. Abernathy,Repository operations,Operator,2021-03-16,2023-03-16
V. Petrov,CA operations,Operator,2021-05-11,2023-05-11
L. Duarte,Custody of keys,Key custodian,2021-06-08,2023-06-08
N. Fairweather,Custody of keys,Key custodian,2021-06-08,2023-06-08
G. Osei,Custody of keys,Key custodian,2021-06-08,2023-06-08
K. Lund,Custody of keys,Key custodian,2021-06-08,2023-06-08
J. Whitcombe,Custody of keys,Key custodian,2022-01-18,2024-01-18
R. Stein,Custody of keys,Key custodian,2021-06-08,2023-06-08
I. Varga,Custody of keys,Key custodian,2021-06-08,2023-06-08
F. Moreau,Custody of keys,Key custodian,2022-02-22,2024-02-22
";

/// Person, employer, system, whose system, doing what, from, until.
const ASSIGNMENTS: &str = "\
A. Whitlock,Invented Operator Ltd,ca-01,live system,operate,2019-06-03,
A. Whitlock,Invented Operator Ltd,root-01,live system,operate,2019-06-03,
A. Whitlock,Invented Operator Ltd,hsm-01,live system,configure,2019-06-03,
A. Whitlock,Invented Operator Ltd,hsm-02,live system,configure,2019-06-03,
D. Kowalczyk,Invented Operator Ltd,ca-01,live system,operate,2019-11-18,
D. Kowalczyk,Invented Operator Ltd,root-01,live system,operate,2019-11-18,
[S. Nakamura/ra-01]S. Nakamura,Sample Trust Services Ltd,ra-01,live system,maintain,2019-06-03,
[S. Nakamura/hsm-01]S. Nakamura,Sample Trust Services Ltd,hsm-01,live system,maintain,2019-06-03,
[S. Nakamura/hsm-02]S. Nakamura,Sample Trust Services Ltd,hsm-02,live system,maintain,2019-06-03,
[+both]S. Nakamura,Sample Trust Services Ltd,supplier gateway,user system,develop,2022-02-01,2022-05-01
P. Marlow,Invented Operator Ltd,ra-01,live system,operate,2019-06-03,
J. Okafor,Invented Operator Ltd,ra-01,live system,operate,2019-06-03,2021-09-30
J. Okafor,Invented Operator Ltd,log-01,live system,operate,2021-09-30,
[H. Lindqvist]H. Lindqvist,Invented Operator Ltd,ra-01,live system,operate,2021-09-27,
[-]H. Lindqvist,Invented Operator Ltd,meter operator portal,user system,operate,2018-01-08,2020-11-30
[+cooling]H. Lindqvist,Invented Operator Ltd,meter operator portal,user system,operate,2018-01-08,2021-06-12
T. Brandt,Invented Operator Ltd,ra-01,live system,operate,2020-01-13,2021-10-02
T. Brandt,Invented Operator Ltd,log-01,live system,operate,2021-10-05,
C. Abernathy,Invented Operator Ltd,log-01,live system,operate,2019-06-03,
C. Abernathy,Invented Operator Ltd,repo-01,live system,operate,2020-02-03,
V. Petrov,Sample Trust Services Ltd,ca-01,live system,operate,2020-03-02,2021-10-16
M. Ferreira,Invented Operator Ltd,ca-01,live system,configure,2019-06-03,
W. Adeyemi,Invented Operator Ltd,hsm-02,live system,operate,2019-06-03,
W. Adeyemi,Invented Operator Ltd,repo-01,live system,operate,2019-06-03,
E. Holm,Invented Operator Ltd,root-01,live system,test,2019-06-03,
L. Duarte,Invented Operator Ltd,hsm-02,live system,operate,2019-06-03,
N. Fairweather,Invented Operator Ltd,hsm-02,live system,operate,2019-06-03,
G. Osei,Sample Trust Services Ltd,hsm-02,live system,operate,2019-06-03,
K. Lund,Sample Trust Services Ltd,hsm-02,live system,operate,2019-06-03,2022-02-01
J. Whitcombe,Sample Trust Services Ltd,hsm-02,live system,operate,2022-01-24,
R. Stein,Northbank Secure Hosting Ltd,hsm-02,live system,operate,2019-06-03,
I. Varga,Northbank Secure Hosting Ltd,hsm-02,live system,operate,2019-06-03,
F. Moreau,Northbank Secure Hosting Ltd,hsm-02,live system,operate,2022-03-01,
";

pub fn build(sample: &mut Sample) {
    let roles = Rows::new(sample, "Person,Role,System,Granted on,Revoked on,Granted by", ROLES);
    let vetting = Rows::new(sample, "Name,Clearance,Cleared on,Expires on,Confirmed by", VETTING);
    let training = Rows::new(sample, "Name,Course,Trusted role,Completed on,Refresher due", TRAINING);
    workbook(sample, "registers/people.xlsx", vec![("Roles", roles), ("Vetting", vetting), ("Training", training)]);
    Rows::new(sample, "Name,Employer,Team,Start date,Leaving date", PEOPLE).csv(sample, "registers/personnel.csv");
    Rows::new(sample, "System,Account,Person,Kind,Privileged,Role,Created,Disabled", ACCOUNTS).csv(sample, "registers/accounts.csv");
    Rows::new(sample, "Name,Employer,System,System class,Activity,From,To", ASSIGNMENTS).csv(sample, "registers/assignments.csv");
    access_reviews(sample);
    log_reviews(sample);
    doors(sample);
}

/// Each quarter, every account that worked on the day.
fn access_reviews(sample: &mut Sample) {
    let accounts = Rows::new(sample, "", ACCOUNTS).rows;
    let mut text = String::new();
    for day in ["2021-06-17", "2021-09-16", "2021-12-15", "2022-03-14", "2022-06-13"] {
        for (mark, row) in &accounts {
            let cells = super::rows::cells(row);
            let (created, disabled) = (&cells[6], &cells[7]);
            let works = created.as_str() <= day && (disabled.is_empty() || disabled.as_str() > day);
            // The planted variant forgets the shared account of the repository.
            if works && mark.as_deref() != Some("shared") {
                let account = if cells[1].contains(',') { format!("\"{}\"", cells[1]) } else { cells[1].clone() };
                text += &format!("{},{account},{day},E. Holm,keep,\n", cells[0]);
            }
        }
    }
    Rows::new(sample, "System,Account,Reviewed on,Reviewer,Decision,Removed on", &text).csv(sample, "registers/access-reviews.csv");
}

/// Streams whose logs are reviewed.
pub const STREAMS: [&str; 5] = ["ca-01", "ra-01", "root-01", "hsm-01", "hsm-02"];

/// Every Monday, from the review before to the evening before.
fn log_reviews(sample: &mut Sample) {
    let mut text = String::new();
    let first = Utc::at("2021-06-28T00:00:00");
    for week in 0..54 {
        let day = first.plus_days(7 * week);
        for (turn, stream) in (0_i64..).zip(STREAMS) {
            let reviewer = if day < Utc::at("2021-10-11T00:00:00") || (week + turn) % 2 == 0 { "C. Abernathy" } else { "J. Okafor" };
            let anomalies = i64::from((week * 5 + turn) % 17 == 0);
            let action = if anomalies > 0 { "explained by the administrator on duty; ticket closed" } else { "" };
            // The planted variant leaves out three reviews of the registration node, and has a week reviewed by an administrator.
            let missed = *stream == *"ra-01" && (40..43).contains(&week);
            let stranger = *stream == *"hsm-01" && week == 30;
            let remark = match (missed, stranger, sample.planted) {
                (true, _, true) => continue,
                (_, true, true) => "[stranger]".to_owned(),
                _ => format!("[{stream}/{}]", day.date()),
            };
            let reviewer = if stranger && sample.planted { "S. Nakamura" } else { reviewer };
            text += &format!(
                "{remark}{stream},{},{},{},{reviewer},{anomalies},{action}\n",
                day.plus_hours(10).minute(),
                day.plus_days(-7).minute(),
                day.minute()
            );
        }
    }
    Rows::new(sample, "Log,Reviewed on,Covers from,Covers until,Reviewer,Anomalies found,Action taken", &text)
        .csv(sample, "registers/log-reviews.csv");
}

/// The key room at ceremonies, and the machine room at changes.
fn doors(sample: &mut Sample) {
    let mut events: Vec<(Utc, String)> = Vec::new();
    let card = |person: &str| format!("C-{:03}", 100 + PEOPLE.lines().position(|line| line.starts_with(person)).expect("they work there"));
    let visit = |person: &str, zone: &str, from: Utc, until: Utc, mark: &str, events: &mut Vec<(Utc, String)>| {
        let (number, door) = (card(person), if zone == "Key room" { "D-4" } else { "D-2" });
        let escort = if person == "E. Holm" { "W. Adeyemi" } else { "" };
        events.push((from, format!("{mark}{},{person},{number},{door},{zone},yes,in,granted,{escort}", from.iso())));
        events.push((until, format!("{},{person},{number},{door},{zone},yes,out,granted,", until.iso())));
    };
    for ceremony in CEREMONIES.iter().filter(|ceremony| ceremony.visible(sample.planted)) {
        let (from, until) = ceremony.span();
        // The second ceremony of a day begins while everybody is still there.
        if ceremony.id == "CER-2021-04" {
            continue;
        }
        let until = if ceremony.id == "CER-2021-03" { until.plus(3600) } else { until };
        for (turn, (person, _)) in (0..).zip(ceremony.people(sample.planted)) {
            visit(person, "Key room", from.plus(-900 + 20 * turn), until.plus(300 + 20 * turn), "", &mut events);
        }
    }
    for window in super::systems::windows() {
        for (turn, person) in [(0, "A. Whitlock"), (1, "S. Nakamura")] {
            visit(person, "Machine room", window.0.plus(60 + 15 * turn), window.1.plus(-300 + 15 * turn), "", &mut events);
        }
    }
    for at in ["2021-08-11T08:58:03", "2021-12-06T16:20:44", "2022-05-25T07:51:12"] {
        let at = Utc::at(at);
        events.push((at, format!("[refused]{},H. Lindqvist,{},D-4,Key room,yes,in,denied,", at.iso(), card("H. Lindqvist"))));
    }
    if sample.planted {
        visit("D. Kowalczyk", "Key room", Utc::at("2022-03-19T22:05:00"), Utc::at("2022-03-19T22:41:00"), "[night]", &mut events);
    }
    events.sort();
    let text: Vec<String> = events.into_iter().map(|(_, row)| row).collect();
    let header = "Time,Person,Card,Door,Zone,Two-person zone,Direction,Result,Escort";
    Rows::new(sample, header, &text.join("\n")).csv(sample, "registers/doors.csv");
}
