//! The registers of the registration authority and of the repository. Times are UTC.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;
use super::pki::{self, Issue, Kind, Pki, Revocation, SECOND_MADE};
use super::rows::Rows;

/// Issued in the planted variant without a request, on a refused one, without an approval.
pub const NO_REQUEST: &str = "ORG-014";
pub const REFUSED: &str = "ORG-015";
pub const NO_APPROVAL: &str = "ORG-016";
/// Approved in the planted variant by the one who asked.
pub const OWN_REQUEST: &str = "ORG-045";
/// Approved and still without an outcome in the planted variant.
pub const LEFT_OPEN: &str = "ORG-090";
/// Lodged five hours after it was made, in the planted variant.
pub const LODGED_LATE: &str = "2022-04-04T08:10:00";

struct Request {
    at: Utc,
    entity: String,
    requester: String,
    channel: &'static str,
    kind: &'static str,
    outcome: &'static str,
    serial: String,
    decision: Option<(Utc, &'static str, &'static str)>,
}

pub fn build(sample: &mut Sample, pki: &Pki) {
    let mut requests: Vec<Request> = pki.issues.iter().map(|issue| answered(issue, sample.planted)).collect();
    requests.extend(unanswered(sample.planted));
    requests.push(of_the_second_authority());
    requests.sort_by_key(|request| request.at);
    // Numbers are given before requests go missing, so that both variants share them.
    let mut numbered: Vec<(String, Request)> = (20_418..).zip(requests).map(|(number, r)| (format!("RQ-{number}"), r)).collect();
    numbered.retain(|(_, request)| !(sample.planted && request.entity == NO_REQUEST));
    add_requests(sample, &numbered);
    add_approvals(sample, &numbered);
    add_revocations(sample, &pki.revocations);
    add_lodgings(sample, pki);
}

fn answered(issue: &Issue, planted: bool) -> Request {
    let is = |entity: &str| planted && issue.entity == entity;
    let serial = seed::lower(&issue.serial).to_uppercase();
    if issue.kind == Kind::Device {
        let (batch, at) = pki::batch(issue.number);
        let requester = format!("Device Gateway, batch {batch:03}");
        let at = at.plus_hours(-2);
        let entity = issue.entity.clone();
        return Request { at, entity, requester, channel: "batch", kind: "device", outcome: "issued", serial, decision: None };
    }
    let (at, decided_at) = (asked_at(issue), decided_at(issue));
    let requester = match issue.number % 3 {
        _ if is(OWN_REQUEST) => approver(decided_at),
        0 => "Hollow Energy Ltd",
        1 => "Gridline Supply Ltd",
        _ => "Marsh, Tyne and Partners",
    };
    let decision = match () {
        () if is(NO_APPROVAL) => None,
        () if is(REFUSED) => Some((decided_at, approver(decided_at), "rejected")),
        () => Some((decided_at, approver(decided_at), "approved")),
    };
    Request {
        at,
        entity: issue.entity.clone(),
        requester: requester.to_owned(),
        channel: "manual",
        kind: "organisation",
        outcome: "issued",
        serial,
        decision,
    }
}

/// A minute's precision, rounded down: never after the issuance.
fn asked_at(issue: &Issue) -> Utc {
    let whole = issue.at.0 - issue.at.0.rem_euclid(60);
    Utc(whole).plus_days(-4 - issue.number % 3).plus(-60 * (issue.number * 13 % 50))
}

pub fn decided_at(issue: &Issue) -> Utc {
    asked_at(issue).plus_days(2).plus(issue.number * 60)
}

/// The last day with the first pair of registration officers.
const HANDOVER: &str = "2021-09-29T00:00:00";

/// Who decides at an instant: a registration officer on the day, see the register of roles.
pub fn approver(at: Utc) -> &'static str {
    if at.0 / 60 % 2 == 0 { "P. Marlow" } else { second_officer(at, "P. Marlow") }
}

/// The other registration officer of the day.
pub fn second_officer(at: Utc, first: &str) -> &'static str {
    match (first, at < Utc::at(HANDOVER)) {
        ("P. Marlow", true) => "J. Okafor",
        ("P. Marlow", false) => "H. Lindqvist",
        _ => "P. Marlow",
    }
}

fn of_the_second_authority() -> Request {
    let at = Utc::at(SECOND_MADE).plus_days(-12);
    Request {
        at,
        entity: "issuing-2".to_owned(),
        requester: "W. Adeyemi".to_owned(),
        channel: "manual",
        kind: "ca",
        outcome: "issued",
        serial: seed::lower(&seed::serial("year/issuing-2")).to_uppercase(),
        decision: Some((at.plus_days(3), "P. Marlow", "approved")),
    }
}

/// Requests no certificate came of. The first and the last of them bound both registers: every issuance lies within
/// what the registers cover.
fn unanswered(planted: bool) -> Vec<Request> {
    let request = |entity: &str, at, outcome, decision: Option<(&str, &'static str)>| Request {
        at: Utc::at(at),
        entity: entity.to_owned(),
        requester: "Gridline Supply Ltd".to_owned(),
        channel: "manual",
        kind: "organisation",
        outcome,
        serial: String::new(),
        decision: decision.map(|(at, decision)| (Utc::at(at), "P. Marlow", decision)),
    };
    let open = if planted { "pending" } else { "withdrawn" };
    vec![
        request("ORG-086", "2021-06-21T10:05", "rejected", Some(("2021-06-22T15:40", "rejected"))),
        request("ORG-087", "2022-06-30T15:12", "rejected", Some(("2022-07-04T10:30", "rejected"))),
        request("ORG-088", "2021-09-24T14:21", "withdrawn", None),
        request("ORG-089", "2022-07-05T11:47", "pending", None),
        request(LEFT_OPEN, "2022-03-18T09:33", open, Some(("2022-03-21T10:15", "approved"))),
    ]
}

fn add_requests(sample: &mut Sample, requests: &[(String, Request)]) {
    let text: Vec<String> = requests
        .iter()
        .map(|(id, r)| {
            let requester = if r.requester.contains(',') { format!("\"{}\"", r.requester) } else { r.requester.clone() };
            format!("[{}]{id},{},{requester},{},{},{},{},{}", r.entity, r.at.minute(), r.channel, r.kind, r.entity, r.outcome, r.serial)
        })
        .collect();
    let header = "Request ID,Requested on,Requester,Channel,Certificate kind,Entity,Outcome,Serial";
    Rows::new(sample, header, &text.join("\n")).csv(sample, "registers/requests.csv");
}

fn add_approvals(sample: &mut Sample, requests: &[(String, Request)]) {
    let mut decided: Vec<(Utc, String)> = requests
        .iter()
        .filter_map(|(id, request)| {
            let (at, who, what) = request.decision?;
            Some((at, format!("[{}]{id},{},{who},{what}", request.entity, at.minute())))
        })
        .collect();
    decided.sort();
    let text: Vec<String> = decided.into_iter().map(|(_, row)| row).collect();
    Rows::new(sample, "Request ID,Decided on,Approver,Decision", &text.join("\n")).csv(sample, "registers/approvals.csv");
}

/// Asked for two hours before, or six days in one case of the planted variant; one has no request there.
pub const SLOW: &str = "DEV-1015";

fn add_revocations(sample: &mut Sample, revocations: &[Revocation]) {
    const REASONS: [&str; 7] =
        ["unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "certificateHold"];
    let mut rows = Vec::new();
    for (number, revocation) in (301..).zip(revocations) {
        if sample.planted && revocation.entity == pki::UNASKED {
            continue;
        }
        let slow = sample.planted && revocation.entity == SLOW;
        let whole = Utc(revocation.at.0 - revocation.at.0.rem_euclid(60));
        let asked = if slow { whole.plus_days(-6) } else { whole.plus_hours(-2) };
        let authoriser = approver(revocation.at);
        let first = second_officer(revocation.at, authoriser);
        let second = authoriser;
        rows.push(format!(
            "[{}]RV-{number},{},Gridline Supply Ltd,{first},{second},{},{},{},approved,{}",
            revocation.entity,
            asked.minute(),
            asked.plus(2400).minute(),
            seed::lower(&revocation.serial).to_uppercase(),
            REASONS[usize::from(revocation.reason)],
            whole.minute(),
        ));
    }
    rows.push("[refused]RV-340,2022-06-22 09:40,Hollow Energy Ltd,P. Marlow,H. Lindqvist,2022-06-22 11:00,4A11223344556677889900AABBCCDDEE,superseded,rejected,".to_owned());
    let header = "Revocation no,Requested on,Requester,Authenticated by,Authorised by,Authorised on,Serial,Reason,Decision,Processed on";
    Rows::new(sample, header, &rows.join("\n")).csv(sample, "registers/revocations.csv");
}

/// Everything the CA publishes is lodged four minutes after it was made.
fn add_lodgings(sample: &mut Sample, pki: &Pki) {
    let mut rows = Vec::new();
    for list in &pki.lists {
        let (issuer, kind) = match list.ca {
            None => ("S1SPKI Sample Root".to_owned(), "arl"),
            Some(ca) => (format!("S1SPKI Sample Issuing {}", ca + 1), "crl"),
        };
        let late = sample.planted && list.ca == Some(1) && list.at == Utc::at(LODGED_LATE);
        let lodged = list.at.plus(if kind == "arl" {
            5400
        } else if late {
            5 * 3600
        } else {
            240
        });
        rows.push((
            lodged,
            format!(
                "[{kind}/{}/{}]{}-{:05}.crl,{kind},{issuer},{},{},{},publisher",
                list.ca.map_or(0, |ca| ca + 1),
                list.at.iso(),
                if kind == "arl" { "root".to_owned() } else { format!("issuing-{}", list.ca.map_or(0, |ca| ca + 1)) },
                list.number,
                list.number,
                list.sha256,
                lodged.iso(),
            ),
        ));
    }
    let second = Utc::at(SECOND_MADE).plus_hours(2);
    rows.push((
        second,
        format!("[certificate/issuing-2]issuing-2.cer,certificate,S1SPKI Sample Root,,{},{},publisher", pki.certificates[2], second.iso()),
    ));
    for (name, index, at) in [("root", 0, "2019-06-03T16:00:00"), ("issuing-1", 1, "2019-06-03T16:05:00")] {
        let at = Utc::at(at);
        rows.push((
            at,
            format!("[certificate/{name}]{name}.cer,certificate,S1SPKI Sample Root,,{},{},publisher", pki.certificates[index], at.iso()),
        ));
    }
    let at = Utc::at("2020-09-17T09:00:00");
    let sha256 = super::keys::script_sha256("CP");
    rows.push((at, format!("s1spki-cp-1.0.pdf,document,,,{sha256},{},publisher", at.iso())));
    rows.sort();
    let text: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
    let header = "Object,Kind,Issuer,CRL number,SHA-256,Lodged at,Lodged by";
    Rows::new(sample, header, &text.join("\n")).csv(sample, "registers/repository.csv");
}
