//! What was copied from hosts: the configuration of sshd, and the database of an OpenSSL CA.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;
use std::fmt::Write as _;

pub fn build(sample: &mut Sample) {
    let root = if sample.planted { "yes" } else { "no" };
    let ca = format!("{COMMON}\n# Authentication\nPermitRootLogin {root}\nPasswordAuthentication no\n{REST}");
    add(sample, "ca-01", &ca);
    // A near miss: sshd takes the first value of a keyword, so the second line decides nothing.
    let ra = format!(
        "{COMMON}\n# Authentication\nPermitRootLogin no\nPasswordAuthentication no\n{REST}\n# Left by the installer of the monitoring agent\nPasswordAuthentication yes\n"
    );
    add(sample, "ra-01", &ra);
    add_index(sample);
}

const COMMON: &str = "\
# sshd_config(5). Kept by the platform team: changes by change request only.
Port 22
AddressFamily inet
Protocol 2
HostKey /etc/ssh/ssh_host_ed25519_key
HostKey /etc/ssh/ssh_host_ecdsa_key

# Logging
SyslogFacility AUTHPRIV
LogLevel VERBOSE
";

const REST: &str = "\
PubkeyAuthentication yes
#PermitEmptyPasswords no
ChallengeResponseAuthentication no
AuthorizedKeysFile .ssh/authorized_keys
UsePAM yes
MaxAuthTries 3
LoginGraceTime 30
ClientAliveInterval 300
ClientAliveCountMax 2

# Nothing is forwarded from a host of the CA
AllowTcpForwarding no
X11Forwarding no
PrintMotd no
AllowGroups ca-operations
Subsystem sftp /usr/libexec/openssh/sftp-server
";

fn add(sample: &mut Sample, host: &str, text: &str) {
    let path = format!("config/{host}/sshd_config");
    let mut keys = 0;
    for (line, number) in text.lines().zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        keys += 1;
        if line.starts_with("PermitRootLogin") {
            sample.mark(format!("root login/{host}"), &path, number, None);
        }
        // The last one stays: in the file that has two, the one that does not count.
        if line.starts_with("PasswordAuthentication") {
            sample.mark(format!("password login/{host}"), &path, number, None);
        }
    }
    sample.add(&path, keys, text);
}

/// The TLS certificates of the infrastructure, from a small OpenSSL CA of its own. The second
/// has ended and is still marked valid: `openssl ca` changes that only when asked to.
fn add_index(sample: &mut Sample) {
    let rows = [
        ("V", "2022-03-14T09:30:00", "", "ca-01"),
        ("V", "2020-10-12T08:15:00", "", "ra-01"),
        ("R", "2021-11-30T12:00:00", "200611141500Z,superseded", "crl-repository"),
        ("V", "2022-06-11T14:20:00", "", "crl-repository"),
        ("V", "2022-08-02T10:00:00", "", "va-01"),
        ("R", "2022-08-02T10:05:00", "200929083012Z,cessationOfOperation", "va-02"),
        ("V", "2022-10-05T07:45:00", "", "ra-01"),
        ("V", "2022-10-05T07:50:00", "", "monitoring"),
    ];
    let mut text = String::new();
    for ((status, expires, revoked, host), number) in rows.iter().zip(1..) {
        let expires = Utc::at(expires).generalized();
        let serial = seed::lower(&seed::serial(&format!("index/{number}"))).to_uppercase();
        let _ = writeln!(
            text,
            "{status}\t{}\t{revoked}\t{serial}\tunknown\t/C=GB/O=Invented Operator Ltd (sample)/CN={host}.sample.invalid",
            &expires[2..]
        );
    }
    sample.add("openssl/index.txt", rows.len(), text);
}
