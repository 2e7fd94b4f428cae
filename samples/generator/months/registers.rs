//! The registers that people keep: requests, approvals, trusted roles. Times are UTC.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;
use super::pki::{Issue, Kind, LOOK_BACK, Pki};

/// Issued in the planted variant without a request, on a refused one, without an approval.
pub const NO_REQUEST: &str = "ORG-14";
pub const REFUSED: &str = "ORG-15";
pub const NO_APPROVAL: &str = "ORG-16";
/// Approved and still without an outcome in the planted variant.
pub const LEFT_OPEN: &str = "ORG-29";

/// The person who is auditor and registration officer at once in the planted variant.
pub const CONFLICTED: &str = "T. Brandt";

struct Request {
    at: Utc,
    entity: String,
    requester: &'static str,
    kind: Kind,
    outcome: &'static str,
    serial: String,
    decision: Option<(Utc, &'static str)>,
}

pub fn build(sample: &mut Sample, pki: &Pki) {
    let mut requests: Vec<Request> = pki.issues.iter().map(|issue| answered(issue, sample.planted)).collect();
    requests.extend(unanswered(sample.planted));
    requests.sort_by_key(|request| request.at);
    // Numbers are given before requests go missing, so that both variants share them. They skip:
    // the register serves other authorities too, and a missing number means nothing.
    let mut number = 417;
    let mut numbered = Vec::new();
    for request in requests {
        number += 1 + seed::below(&format!("request/{}", request.entity), 4);
        numbered.push((format!("RQ-{number:05}"), request));
    }
    numbered.retain(|(_, request)| request.entity != LOOK_BACK && !(sample.planted && request.entity == NO_REQUEST));
    add_requests(sample, &numbered);
    add_approvals(sample, &numbered);
    add_roles(sample);
}

fn answered(issue: &Issue, planted: bool) -> Request {
    // A minute's precision, rounded down: never after the issuance.
    let whole = issue.at.0 - issue.at.0.rem_euclid(60);
    let at = Utc(whole).plus_days(-1 - issue.number % 3).plus(-60 * (issue.number * 13 % 50));
    let is = |entity: &str| planted && issue.entity == entity;
    let decided_at = at.plus_hours(2).plus(issue.number * 4 * 60);
    let decision = match issue.kind {
        Kind::Device => None,
        Kind::Organisation if is(NO_APPROVAL) => None,
        Kind::Organisation if is(REFUSED) => Some((decided_at, "rejected")),
        Kind::Organisation => Some((decided_at, "approved")),
    };
    let requester = match (issue.kind, issue.number % 3) {
        (Kind::Device, _) => "Device Portal",
        (_, 0) => "Hollow Energy Ltd",
        (_, 1) => "Gridline Supply Ltd",
        _ => "Marsh, Tyne and Partners",
    };
    Request {
        at,
        entity: issue.entity.clone(),
        requester,
        kind: issue.kind,
        outcome: "issued",
        serial: seed::lower(&issue.serial).to_uppercase(),
        decision,
    }
}

/// Requests no certificate came of. The first and the last of them bound both registers: every
/// issuance lies within what the registers cover.
fn unanswered(planted: bool) -> Vec<Request> {
    let request = |entity: &str, at, outcome, decision: Option<(&str, &'static str)>| Request {
        at: Utc::at(at),
        entity: entity.to_owned(),
        requester: "Gridline Supply Ltd",
        kind: Kind::Organisation,
        outcome,
        serial: String::new(),
        decision: decision.map(|(at, decision)| (Utc::at(at), decision)),
    };
    let open = if planted { "pending" } else { "withdrawn" };
    vec![
        request("ORG-25", "2020-08-30T10:05", "rejected", Some(("2020-08-30T15:40", "rejected"))),
        request("ORG-26", "2020-10-30T09:12", "rejected", Some(("2020-11-02T10:30", "rejected"))),
        request("ORG-27", "2020-09-24T14:21", "withdrawn", None),
        request("ORG-28", "2020-11-03T11:47", "pending", None),
        request(LEFT_OPEN, "2020-09-18T09:33", open, Some(("2020-09-20T10:15", "approved"))),
    ]
}

fn add_requests(sample: &mut Sample, requests: &[(String, Request)]) {
    let path = "registers/requests.csv";
    let header = "Request ID,Requested on,Requester,Channel,Certificate kind,Entity,Outcome,Serial";
    let mut rows = Vec::new();
    for (id, request) in requests {
        let (channel, kind) = match request.kind {
            Kind::Organisation => ("manual", "organisation"),
            Kind::Device => ("automated", "device"),
        };
        let at = request.at.minute();
        rows.push(row(&[id, &at, request.requester, channel, kind, &request.entity, request.outcome, &request.serial]));
        sample.mark(format!("request/{}", request.entity), path, rows.len() + 1, None);
    }
    add(sample, path, header, &rows, "\n");
}

fn add_approvals(sample: &mut Sample, requests: &[(String, Request)]) {
    let mut decided: Vec<(Utc, &str, &str)> =
        requests.iter().filter_map(|(id, request)| request.decision.map(|(at, what)| (at, id.as_str(), what))).collect();
    decided.sort();
    let october = Utc::at("2020-10-01T00:00");
    let rows: Vec<String> = decided
        .iter()
        .map(|(at, id, decision)| {
            // Only people who were registration officers on the day, see the register of roles.
            let approver = match (*at < october, at.0 / 60 % 2 == 0) {
                (_, true) => "P. Marlow",
                (true, false) => "J. Okafor",
                (false, false) => "H. Lindqvist",
            };
            row(&[id, &at.minute(), approver, decision])
        })
        .collect();
    add(sample, "registers/approvals.csv", "Request ID,Decided on,Approver,Decision", &rows, "\n");
}

/// Person, role, system, first day, first day without, granted by.
const ROLES: &str = "\
A. Whitlock,System administrator,ca-01,2019-06-03,,M. Ferreira
A. Whitlock,CA administrator,ca-01,2019-06-03,,M. Ferreira
S. Nakamura,System administrator,ra-01,2019-06-03,,M. Ferreira
D. Kowalczyk,CA administrator,ca-01,2019-11-18,,M. Ferreira
P. Marlow,Registration officer,ra-01,2019-06-03,,M. Ferreira
J. Okafor,Registration officer,ra-01,2019-06-03,2020-09-30,M. Ferreira
J. Okafor,Auditor,all,2020-09-30,,M. Ferreira
H. Lindqvist,Registration officer,ra-01,2020-09-28,,M. Ferreira
T. Brandt,Registration officer,ra-01,2020-01-13,2020-10-02,M. Ferreira
T. Brandt,Auditor,all,2020-10-05,,M. Ferreira
C. Abernathy,Auditor,all,2019-06-03,,M. Ferreira
C. Abernathy,Operator,ra-01,2020-02-03,,S. Nakamura
L. Duarte,Key custodian,hsm-01,2019-06-03,,M. Ferreira
N. Fairweather,Key custodian,hsm-01,2019-06-03,,M. Ferreira
V. Petrov,Operator,ca-01,2020-03-02,2020-10-16,A. Whitlock
";

fn add_roles(sample: &mut Sample) {
    let path = "registers/roles.csv";
    // Two weeks in both roles where the clean variant has a weekend in neither.
    let end = if sample.planted { "2020-10-19" } else { "2020-10-02" };
    let roles = ROLES.replace("2020-10-02", end);
    let rows: Vec<String> = roles.lines().map(str::to_owned).collect();
    for (row, line) in rows.iter().zip(2..) {
        let mut fields = row.split(',');
        let (person, role) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        sample.mark(format!("role/{person}/{role}"), path, line, None);
    }
    let header = "Person,Role,System,Granted on,Revoked on,Granted by";
    // This register comes from a spreadsheet program, and so with its line ends.
    add(sample, path, header, &rows, "\r\n");
}

fn row(fields: &[&str]) -> String {
    let quoted: Vec<String> =
        fields.iter().map(|field| if field.contains(',') { format!("\"{field}\"") } else { (*field).to_owned() }).collect();
    quoted.join(",")
}

fn add(sample: &mut Sample, path: &str, header: &str, rows: &[String], end: &str) {
    let text = [header, &rows.join(end), ""].join(end);
    sample.add(path, rows.len(), text);
}
