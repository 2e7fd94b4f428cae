//! Objects of a PKI in every wrapping, files that are not opened, and secrets wherever they stand.

use std::fs;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::Value;

use crate::corpus::corpus;
use crate::generator::der;
use crate::generator::seed;
use crate::generator::time::Utc;
use crate::generator::x509::{self, Authority, Certificate, Entry};
use crate::world::{Ran, Reading, World, assure_in, files, holds, parts};

const HEAD: &str = "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2018-01-01, end = 2021-12-31 }\n";

fn world(files: &[(&str, Vec<u8>)], declared: &str) -> World {
    let world = World::empty();
    for (path, octets) in files {
        world.put(path, octets);
    }
    fs::write(world.folder.join("engagement.toml"), format!("{HEAD}{declared}")).unwrap();
    world
}

/// The rows as lines, cells in the order of their names, empty ones as `-`.
fn lines(world: &World, sql: &str) -> Vec<String> {
    let output = assure_in(world.around(), &["-q", "query", world.folder.to_str().unwrap(), sql, "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let cell = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row =
        |line: &str| serde_json::from_str::<Value>(line).unwrap().as_object().unwrap().values().map(cell).collect::<Vec<_>>().join(" | ");
    String::from_utf8(output.stdout).unwrap().lines().map(row).collect()
}

fn signed(to_be_signed: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let signature: Signature = key.sign(&to_be_signed);
    der::sequence(&[to_be_signed, der::sequence(&[der::oid("1.2.840.10045.4.3.2")]), der::bits(0, signature.to_der().as_bytes())])
}

fn key_info(key: &SigningKey) -> Vec<u8> {
    let algorithm = der::sequence(&[der::oid("1.2.840.10045.2.1"), der::oid("1.2.840.10045.3.1.7")]);
    der::sequence(&[algorithm, der::bits(0, key.verifying_key().to_encoded_point(false).as_bytes())])
}

fn certificate(name: &str, serial: u8) -> Vec<u8> {
    let authority = Authority::new("Bundled CA");
    let subject = Authority::new(name);
    let certificate = Certificate {
        serial: vec![serial],
        subject: subject.name,
        not_before: Utc::at("2020-01-01T00:00:00"),
        not_after: Some(Utc::at("2030-01-01T00:00:00")),
        key: subject.key,
        extensions: vec![x509::subject_key_id(&seed::key(name))],
    };
    certificate.sign(&authority, &authority.key)
}

fn list(number: u32, entries: &[Entry]) -> Vec<u8> {
    x509::crl(&Authority::new("Bundled CA"), number, Utc::at("2020-06-01T00:00:00"), Utc::at("2020-06-02T00:00:00"), entries)
}

/// An element of indefinite length.
fn endless(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    [&[tag, 0x80][..], &parts.concat(), &[0, 0]].concat()
}

/// A bundle in BER, as the one of the corpus is in its outer layers.
fn bundle(certificates: &[Vec<u8>], lists: &[Vec<u8>]) -> Vec<u8> {
    let signed = endless(
        0x30,
        &[
            der::integer(1),
            der::element(der::SET, &[]),
            endless(0x30, &[der::oid("1.2.840.113549.1.7.1")]),
            endless(0xa0, certificates),
            endless(0xa1, lists),
            der::element(der::SET, &[]),
        ],
    );
    endless(0x30, &[der::oid("1.2.840.113549.1.7.2"), endless(0xa0, &[signed])])
}

#[test]
fn the_three_certificates_of_a_real_bundle_in_ber_are_read() {
    let Some(folder) = corpus() else { return };
    const BUNDLE: &str = "certificates/p7b/ficam_ber_encoded_01C14B9C.p7b";
    let octets = fs::read(folder.join(BUNDLE)).unwrap();
    let world = world(&[(BUNDLE, octets)], "");
    let found = lines(&world, "SELECT row AS a, serial AS b, source_kind AS c FROM certificates ORDER BY row");
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], "1 | 4e3980ef | file");
    assert!(found[1].starts_with("2 | ") && found[2].starts_with("3 | "), "{found:?}");
}

#[test]
fn a_bundle_gives_what_its_objects_give_one_by_one() {
    let (one, other, crl) = (certificate("One", 1), certificate("Other", 2), list(7, &[]));
    let whole = bundle(&[one.clone(), other.clone()], std::slice::from_ref(&crl));
    let sql = "SELECT row AS a, certificate AS b FROM certificates ORDER BY row";
    let apart = world(&[("all.pem", [x509::pem("CERTIFICATE", [&one, &other]), x509::pem("X509 CRL", [&crl])].concat())], "");
    let expected = lines(&apart, sql);
    assert_eq!(expected.len(), 2);
    for (name, octets) in [("all.p7b", whole.clone()), ("all.pem", x509::pem("PKCS7", [&whole])), ("all.cms", x509::pem("CMS", [&whole]))] {
        let bundled = world(&[(name, octets)], "");
        assert_eq!(lines(&bundled, sql), expected, "{name}");
        assert_eq!(lines(&bundled, "SELECT row AS a, crl_number AS b FROM crls"), ["3 | 7"], "{name}");
    }
    // What was cut is one object that could not be read, and never nothing.
    let cut = world(&[("cut.p7b", whole[..whole.len() - 40].to_vec())], "");
    let results = cut.run().results();
    let file = results.file("cut.p7b");
    assert_eq!((file.records, file.rejected, file.quality.as_str()), (0, 1, "truncated"));
    results.noted("N-OBJ-001", "cut.p7b");
}

fn request(name: &str, spoilt: bool) -> Vec<u8> {
    let authority = Authority::new(name);
    let usage = der::sequence(&[
        der::oid("2.5.29.15"),
        der::element(der::BOOLEAN, &[0xff]),
        der::element(der::OCTET_STRING, &der::bits(7, &[0x80])),
    ]);
    let asked = der::sequence(&[der::oid("1.2.840.113549.1.9.14"), der::element(der::SET, &der::sequence(&[usage]))]);
    let password = der::sequence(&[der::oid("1.2.840.113549.1.9.7"), der::element(der::SET, &der::text("xyzzy-challenge"))]);
    let info = der::sequence(&[der::integer(0), authority.name, key_info(&authority.key), der::explicit(0, &[asked, password].concat())]);
    signed(info, &seed::key(if spoilt { "another key" } else { name }))
}

#[test]
fn a_request_says_what_it_asks_for_and_whether_its_key_signed_it() {
    let (good, spoilt) = (request("Asking", false), request("Asking too", true));
    let sql =
        "SELECT row AS a, subject AS b, curve AS c, signature_ok AS d, extensions AS e FROM certificate_requests ORDER BY evidence, row";
    let expected = [
        "1 | CN=Asking | 1.2.840.10045.3.1.7 | true | 2.5.29.15 critical: digitalSignature",
        "2 | CN=Asking too | 1.2.840.10045.3.1.7 | false | 2.5.29.15 critical: digitalSignature",
    ];
    let new = [x509::pem("CERTIFICATE REQUEST", [&good]), x509::pem("NEW CERTIFICATE REQUEST", [&spoilt])].concat();
    let both = world(&[("asked.pem", new)], "");
    assert_eq!(lines(&both, sql), expected);
    let der = world(&[("asked.der", good.clone())], "");
    assert_eq!(lines(&der, sql), expected[..1]);
    let key = lines(&der, "SELECT public_key FROM certificate_requests");
    assert_eq!(key, [x509::public_key(&seed::key("Asking"))]);
    for (name, octets) in files(&der.folder).into_iter().filter(|(name, _)| !name.starts_with("evidence/")) {
        assert!(!holds(&octets, b"xyzzy-challenge"), "the challenge password stands in {name}");
    }
    let cut = world(&[("asked.pem", x509::pem("CERTIFICATE REQUEST", [&good[..good.len() - 9].to_vec()]))], "");
    assert!(lines(&cut, sql).is_empty());
    let results = cut.run().results();
    assert_eq!((results.file("asked.pem").records, results.file("asked.pem").rejected), (0, 1));
}

fn generalized(text: &str) -> Vec<u8> {
    der::element(der::GENERALIZED_TIME, text.as_bytes())
}

fn single(serial: u8, status: Vec<u8>) -> Vec<u8> {
    let hash = |octet: u8| der::element(der::OCTET_STRING, &[octet; 20]);
    let id = der::sequence(&[der::sequence(&[der::oid("1.3.14.3.2.26")]), hash(0xaa), hash(0xbb), der::element(der::INTEGER, &[serial])]);
    der::sequence(&[id, status, generalized("20200601000000Z"), der::explicit(0, &generalized("20200602000000Z"))])
}

fn response(responder: &str, signer: &str, certificates: &[Vec<u8>]) -> Vec<u8> {
    let revoked = der::element(0xa1, &[generalized("20200501120000Z"), der::explicit(0, &der::element(der::ENUMERATED, &[1]))].concat());
    let data = der::sequence(&[
        der::explicit(1, &Authority::new(responder).name),
        generalized("20200601000001Z"),
        der::sequence(&[single(0x11, vec![0x80, 0x00]), single(0x12, revoked)]),
    ]);
    let mut basic = signed(data, &seed::key(signer));
    if !certificates.is_empty() {
        // The certificates stand behind the signature, inside the same SEQUENCE.
        let inner = basic[basic.len() - (basic.len() - if basic[1] == 0x82 { 4 } else { 3 })..].to_vec();
        basic = der::sequence(&[inner, der::explicit(0, &der::sequence(certificates))]);
    }
    let bytes = der::sequence(&[der::oid("1.3.6.1.5.5.7.48.1.1"), der::element(der::OCTET_STRING, &basic)]);
    der::sequence(&[der::element(der::ENUMERATED, &[0]), der::explicit(0, &bytes)])
}

#[test]
fn a_response_says_what_it_says_of_each_certificate() {
    let responder = certificate("Responder", 9);
    let sql = "SELECT row AS a, position AS b, serial AS c, status AS d, revoked_at AS e, reason AS f, responder AS g, signature_ok AS h \
               FROM ocsp_responses ORDER BY evidence, position";
    let rows = |ok: &str| {
        [
            format!("1 | 1 | 11 | good | - | - | CN=Responder | {ok}"),
            format!("1 | 2 | 12 | revoked | 2020-05-01T12:00:00Z | 1 | CN=Responder | {ok}"),
        ]
    };
    let of = |octets: Vec<u8>, more: &[(&str, Vec<u8>)]| {
        let all: Vec<(&str, Vec<u8>)> = std::iter::once(("a.der", octets)).chain(more.iter().cloned()).collect();
        lines(&world(&all, ""), sql)
    };
    assert_eq!(of(response("Responder", "Responder", std::slice::from_ref(&responder)), &[]), rows("true"));
    assert_eq!(of(response("Responder", "Responder", &[]), &[("r.cer", responder.clone())]), rows("true"));
    assert_eq!(of(response("Responder", "Somebody else", std::slice::from_ref(&responder)), &[]), rows("false"));
    assert_eq!(of(response("Responder", "Responder", &[]), &[]), rows("-"));
    let whole = world(&[("a.der", response("Responder", "Responder", &[]))], "");
    let times = "SELECT produced_at AS a, this_update AS b, next_update AS c, issuer_key_hash AS d FROM ocsp_responses WHERE position = 1";
    assert_eq!(lines(&whole, times), [format!("2020-06-01T00:00:01Z | 2020-06-01T00:00:00Z | 2020-06-02T00:00:00Z | {}", "bb".repeat(20))]);
}

#[test]
fn a_response_without_an_answer_is_a_row_and_a_cut_one_is_rejected() {
    let later = der::sequence(&[der::element(der::ENUMERATED, &[3])]);
    let whole = response("Responder", "Responder", &[]);
    let both = world(&[("later.der", later), ("cut.der", whole[..whole.len() - 5].to_vec())], "");
    assert_eq!(lines(&both, "SELECT response_status AS a, serial AS b FROM ocsp_responses"), ["tryLater | -"]);
    let results = both.run().results();
    assert_eq!((results.file("cut.der").records, results.file("cut.der").rejected), (0, 1));
}

#[test]
fn a_delta_names_the_list_that_it_is_made_against() {
    let authority = Authority::new("Bundled CA");
    let extension = |oid: &str, value: Vec<u8>| der::sequence(&[der::oid(oid), der::element(der::OCTET_STRING, &value)]);
    let extensions =
        [x509::authority_key_id(&authority.key), extension("2.5.29.20", der::integer(9)), extension("2.5.29.27", der::integer(7))];
    let times = ["2020-06-01T06:00:00", "2020-06-01T12:00:00"].map(|at| der::time(Utc::at(at)));
    let entry = der::sequence(&[der::element(der::INTEGER, &[0x21]), der::time(Utc::at("2020-06-01T05:00:00"))]);
    let algorithm = der::sequence(&[der::oid("1.2.840.10045.4.3.2")]);
    let parts = [der::integer(1), algorithm, authority.name.clone(), times[0].clone(), times[1].clone(), der::sequence(&[entry])];
    let body = der::sequence(&[parts.concat(), der::explicit(0, &der::sequence(&extensions))]);
    let both = world(&[("full.crl", list(7, &[])), ("delta.crl", signed(body, &authority.key))], "");
    let sql = "SELECT crl_number AS a, is_delta AS b, base_number AS c, entries AS d FROM crls ORDER BY crl_number";
    assert_eq!(lines(&both, sql), ["7 | false | - | 0", "9 | true | 7 | 1"]);
    assert_eq!(lines(&both, "SELECT serial FROM crl_entries"), ["21"]);
}

/// Nothing of `secret` stands in any output, in the cache or on the terminal.
fn nowhere(world: &World, run: &Ran, secret: &[u8]) {
    let mut places = vec![("the terminal".to_owned(), run.terminal().to_vec())];
    for (name, octets) in files(&world.folder).into_iter().filter(|(name, _)| !name.starts_with("evidence/")) {
        if name.ends_with(".xlsx") {
            places.extend(parts(&octets).into_iter().map(|(part, octets)| (format!("{name} {part}"), octets)));
        }
        places.push((name, octets));
    }
    assert!(places.iter().any(|(name, _)| name.starts_with(".cache/")) && places.iter().any(|(name, _)| name.starts_with("runs/")));
    for (name, octets) in places {
        assert!(!holds(&octets, secret), "{:?} stands in {name}", String::from_utf8_lossy(secret));
    }
}

const REGISTER: &str = "request_id,requested_at,requester,entity\nR1,2020-01-01,Ann,device\n";

#[test]
fn files_of_a_known_kind_are_listed_with_what_to_do_and_never_opened() {
    let oid = |dotted: &str| der::sequence(&[der::oid(dotted), der::explicit(0, &[0x30, 0x03, 0x02, 0x01, 0x00])]);
    let p12 = der::sequence(&[der::integer(3), oid("1.2.840.113549.1.7.1"), der::sequence(&[])]);
    let opaque: [(&str, Vec<u8>, &str, &str); 12] = [
        ("a.bin", p12, "secret", "PKCS #12"),
        ("b.bin", b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01canary-in-a-keystore".to_vec(), "secret", "JKS"),
        ("c.bin", b"\xce\xce\xce\xce\0\0\0\x02\0\0\0\x01canary".to_vec(), "secret", "JCEKS"),
        ("d.txt", b"PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\nEncryption: none\n".to_vec(), "secret", "PuTTY"),
        ("e.txt", b"age-encryption.org/v1\n-> X25519 abc\n".to_vec(), "opaque", "age"),
        ("f.txt", b"-----BEGIN PGP MESSAGE-----\n\nhQ==\n-----END PGP MESSAGE-----\n".to_vec(), "opaque", "OpenPGP"),
        ("g.bin", oid("1.2.840.113549.1.7.3"), "opaque", "EnvelopedData"),
        ("h.bin", b"Salted__abcdefgh01234567".to_vec(), "opaque", "openssl"),
        ("i.bin", b"\x1f\x8b\x08\0\0\0\0\0\0\x03canary".to_vec(), "opaque", "gzip"),
        ("j.bin", b"PK\x03\x04\x14\0\0\0\0\0canary-in-an-archive/../../etc/passwd".to_vec(), "opaque", "ZIP"),
        ("k.bin", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "scanned", "PNG"),
        (
            "l.txt",
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n".to_vec(),
            "secret",
            "ENCRYPTED PRIVATE KEY",
        ),
    ];
    let mut all: Vec<(&str, Vec<u8>)> = opaque.iter().map(|(path, octets, ..)| (*path, octets.clone())).collect();
    all.push(("requests.csv", REGISTER.as_bytes().to_vec()));
    let world = world(&all, "");
    let run = world.run();
    let results = run.results();
    for (path, _, quality, kind) in &opaque {
        let file = results.file(path);
        assert_eq!(&file.quality, quality, "{path}");
        assert_ne!(file.status, "used", "{path}");
        let note = results.noted(if *quality == "secret" { "N-SEC-001" } else { "N-FMT-004" }, path);
        assert!(note.what.contains(kind), "{path}: {}", note.what);
        assert_eq!(note.locator, if *quality == "secret" { "octet 0" } else { "" }, "{path}");
        assert!(*quality != "secret" || note.what.contains("octets") || *kind == "PuTTY", "{path}: {}", note.what);
    }
    assert_eq!(results.file("requests.csv").status, "used");
    nowhere(&world, &run, b"canary");
}

const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlqhRANCAAQ";
const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";

#[test]
fn secrets_inside_records_are_masked_and_told_with_place_and_kind() {
    let log = format!(
        "14.09.18 12:52:23 [A] FC:0x083 SFC:0x0E Add User 'b' pin=739152 [0]\n\
         14.09.18 12:52:24 [A] FC:0x083 SFC:0x0E Restore {KEY} [0]\n\
         14.09.18 12:52:25 [A] FC:0x083 SFC:0x0E Login with {JWT} [0]\n"
    );
    let register = format!("request_id,requested_at,requester,entity\nR1,2020-01-01,Ann {KEY},device\n");
    let json = format!("[{{\"request_id\": \"R9\", \"requested_at\": \"2020-01-01\", \"requester\": \"Bob {KEY}\", \"entity\": \"e\"}}]");
    let declared = "[[source]]\npath = \"hsm/*\"\nhost = \"h\"\nstream = \"s\"\nzone = \"UTC\"\n";
    let all = [("hsm/a.log", log.into_bytes()), ("r.csv", register.into_bytes()), ("r.json", json.into_bytes())];
    let world = world(&all, declared);
    let run = world.run();
    for secret in [&KEY.as_bytes()[..40], JWT.as_bytes(), b"739152"] {
        nowhere(&world, &run, secret);
    }
    let results = run.results();
    let noted: Vec<(&str, &str, u64)> = results
        .notes
        .iter()
        .filter(|note| note.code == "N-SEC-002" && note.path.as_deref() == Some("hsm/a.log"))
        .map(|note| (note.what.split(" inside").next().unwrap(), note.locator.as_str(), note.count))
        .collect();
    assert_eq!(noted, [("a PIN", "line 1", 1), ("a private key", "line 2", 1), ("a token", "line 3", 1)]);
    let key = results.noted("N-SEC-003", "hsm/a.log");
    assert!(key.what.contains("PKCS #8") && key.locator.starts_with("octet "), "{} {}", key.what, key.locator);
    for path in ["r.csv", "r.json"] {
        results.noted("N-SEC-003", path);
        assert_eq!((results.file(path).status.as_str(), results.file(path).records), ("used", 1), "{path}");
    }
    assert_eq!(results.file("hsm/a.log").records, 3, "a masked record is a record");
    let stopped = world.run_with(&["--on-secret", "stop"]);
    assert_eq!(stopped.code, 6, "{}", stopped.err);
}

#[test]
fn the_pins_of_real_transcripts_stand_nowhere() {
    let Some(folder) = corpus() else { return };
    let transcript = fs::read(folder.join("hsm/iana_keyper_keygen_transcript.md")).unwrap();
    let inventory = fs::read(folder.join("hsm/iana_ksrsigner_key_inventory.yaml")).unwrap();
    assert!(holds(&transcript, b"123456") && holds(&inventory, b"123456"), "the corpus is not the one this test was written for");
    // Whatever a format makes of them: every line of the transcript is a record, and the inventory a configuration.
    let format = "schema = 1\ntitle = \"every line\"\nreader = \"lines\"\nsource = \"nowhere\"\nexport = \"none\"\n\
                  [recognise]\nany_line = '^no line at all$'\n[lines]\npattern = '^(?P<line>.*)$'\n\
                  [[emit]]\ntable = \"settings\"\ncolumns = { key = { from = \"line\" }, value = { from = \"line\" } }\n";
    let declared = "[[source]]\npath = \"t.md\"\nformat = \"every-line\"\n[[source]]\npath = \"i.yaml\"\nformat = \"ejbca-configdump\"\n";
    let world = world(&[("t.md", transcript), ("i.yaml", inventory)], declared);
    fs::create_dir_all(world.folder.join("checklists/formats")).unwrap();
    fs::write(world.folder.join("checklists/formats/every-line.toml"), format).unwrap();
    let run = world.run();
    let results = run.results();
    assert_eq!((results.file("t.md").status.as_str(), results.file("i.yaml").status.as_str()), ("used", "used"));
    let masked = results.noted("N-SEC-002", "t.md");
    assert_eq!((masked.count, masked.locator.starts_with("line ")), (5, true), "four prompts and one line of configuration");
    assert_eq!(results.noted("N-SEC-002", "i.yaml").count, 3);
    for alone in [": 123456", ":123456", "\"123456\"", ">123456<", "=123456"] {
        nowhere(&world, &run, alone.as_bytes());
    }
    let rows = lines(&world, "SELECT value FROM settings");
    assert!(rows.iter().any(|row| row.contains("[masked]")) && rows.iter().all(|row| !row.contains("123456")));
    assert!(rows.iter().any(|row| row.contains("kirei-test")), "the name of a token is no secret");
    assert!(rows.iter().any(|row| row.contains("b7f33386853cc35510ba238c0d1e5951")), "a hash is no secret");
}

fn pdf(content: &str, more: &str) -> Vec<u8> {
    format!("%PDF-1.4\n1 0 obj <</Type /Page /Contents 2 0 R>> endobj\n2 0 obj <</Length 9>>\nstream\n{content}\nendstream endobj\n{more}\n%%EOF\n")
        .into_bytes()
}

#[test]
fn what_only_looks_like_evidence_is_told_from_what_is() {
    const SHOWS: &str = "BT /F1 12 Tf (Key ceremony) Tj ET";
    const FIELD: &str = "5 0 obj <</FT /Sig /T (s)>> endobj";
    let signature = format!("{FIELD} 6 0 obj <</Type /Sig /ByteRange [0 1 2 3] /Contents <3082aa>>> endobj");
    let form = format!("{}\nSigned: ________  Date: ________\n", "Key ceremony script. ".repeat(20));
    let all: [(&str, Vec<u8>, &str); 10] = [
        ("text.pdf", pdf(SHOWS, ""), "ok"),
        ("scan.pdf", pdf("q /Im0 Do Q", ""), "scanned"),
        ("field.pdf", pdf(SHOWS, FIELD), "unsigned"),
        ("signed.pdf", pdf(SHOWS, &signature), "signed"),
        ("SIGNED.pdf", b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <<>>\n%%EOF\n".to_vec(), "placeholder"),
        ("locked.pdf", pdf("xx", "trailer <</Encrypt 9 0 R>>"), "opaque"),
        ("empty.pdf", Vec::new(), "empty"),
        ("script.txt", form.into_bytes(), "template"),
        ("letter.txt", b"Placeholder: letter of attestation to follow.\n".to_vec(), "placeholder"),
        ("requests-YYYYMMDD.csv", REGISTER.as_bytes().to_vec(), "template"),
    ];
    let files: Vec<(&str, Vec<u8>)> = all.iter().map(|(path, octets, _)| (*path, octets.clone())).collect();
    let world = world(&files, "");
    let results = world.run().results();
    for (path, _, quality) in &all {
        assert_eq!(&results.file(path).quality, quality, "{path}");
        let reason = results.file(path).reason.as_deref().unwrap_or_default();
        assert!(!path.ends_with(".pdf") || !reason.is_empty(), "{path} has no reason");
    }
    results.noted("N-FMT-006", "scan.pdf");
    results.noted("N-FMT-005", "script.txt");
    // A register of that name is read, and its tables are not complete: it proves nothing.
    let note = results.noted("N-FMT-005", "requests-YYYYMMDD.csv");
    assert_eq!(note.weight, "weakens");
    assert!(!note.affects.is_empty());
    assert_eq!(lines(&world, "SELECT quality FROM evidence WHERE path = 'scan.pdf'"), ["scanned"]);
}

#[test]
fn a_cell_that_was_not_filled_in_is_not_settled() {
    let register = "person,role,granted_at,granted_by,revoked_at\nAnn,auditor,2020-01-01,TBD,\nBob,auditor,YYYY-MM-DD,Ann,\nCem,auditor,2020-01-03,Ann,\n";
    let world = world(&[("r.csv", register.into())], "");
    let sql = "SELECT person AS a, granted_by AS b, unsettled AS c FROM roles ORDER BY row";
    assert_eq!(lines(&world, sql), ["Ann | - | ,granted_by,", "Bob | Ann | ,granted_at,", "Cem | Ann | -"]);
    let results = world.run().results();
    assert_eq!(results.noted("N-VAL-005", "r.csv").weight, "weakens");
}

#[test]
fn a_hash_matches_or_does_not_or_is_missing_or_has_no_file() {
    let hash = |text: &str| seed::sha256(text.as_bytes());
    let world = world(
        &[("match.txt", b"one".to_vec()), ("mismatch.txt", b"two".to_vec()), ("missing.csv", REGISTER.into())],
        "hashes = \"hashes.txt\"\n",
    );
    let list = format!("{}  match.txt\n{}  mismatch.txt\n{}  orphan.txt\n", hash("one"), hash("other"), hash("x"));
    fs::write(world.folder.join("hashes.txt"), list).unwrap();
    let found = lines(&world, "SELECT path AS a, hash_status AS b FROM evidence ORDER BY path");
    assert_eq!(found, ["match.txt | match", "mismatch.txt | mismatch", "missing.csv | missing", "orphan.txt | orphan"]);
    let run = world.run();
    let results = run.results();
    assert_eq!(results.file("orphan.txt").status, "unreadable");
    assert!(results.notes.iter().any(|note| note.code == "N-EXP-001" && note.what.contains("orphan.txt")));
    assert!(results.notes.iter().any(|note| note.code == "N-HASH-003" && note.what.contains("missing.csv")));
    let manifest = fs::read_to_string(run.folder().join("evidence-manifest-sha256.txt")).unwrap();
    assert!(!manifest.contains("orphan.txt"), "a file that is not there is in no manifest");
}

#[test]
fn what_a_scan_shows_is_given_by_two_readers() {
    let register = "Scan,Page no,Step,Text,Time,Initials,Read by,Second reader,Agreed\n\
                    ceremony/root.pdf,3,12,Key generated,2020-03-25 10:15,JS; AB,Ann,Bob,yes\n\
                    ceremony/root.pdf,3,13,Bag sealed,2020-03-25 10:20,JS,Ann,,\n";
    let world = world(&[("t.csv", register.into())], "[[source]]\npath = \"t.csv\"\nzone = \"UTC\"\n");
    let sql = "SELECT document AS a, page AS b, step AS c, happened_at AS d, people AS e, second_reader AS f, agreed AS g FROM transcriptions ORDER BY row";
    assert_eq!(
        lines(&world, sql),
        [
            "ceremony/root.pdf | 3 | 12 | 2020-03-25T10:15:00Z | JS; AB | Bob | true",
            "ceremony/root.pdf | 3 | 13 | 2020-03-25T10:20:00Z | JS | - | -"
        ]
    );
}
