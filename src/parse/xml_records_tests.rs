//! Tests of the reader of XML documents.

use super::*;
use crate::catalogue::Catalogue;
use crate::catalogue::format::{Format, Reader as Kind};
use crate::collect::encoding;
use crate::parse::{Batch, Parsed};

const FORMAT: &str = r#"
    schema = 1
    title = "An invented scan"
    reader = "xml"
    source = "nowhere"
    export = "the scan"
    [recognise]
    root = ["scan"]
    [xml]
    record = ["hosts/host", "host/item"]
    other = ["summary/host"]
    [[emit]]
    table = "settings"
    [emit.columns]
    host = { from = "host:@name" }
    component = { from = "name()" }
    scope = { from = "@code" }
    key = { from = "ref" }
    value = { from = "note" }
    position_in_file = { from = "line()", as = "integer" }
    collected_at = { from = "host:tag[@name='end']" }
"#;

fn format() -> Format {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("formats")).unwrap();
    std::fs::write(folder.path().join("formats/invented.toml"), FORMAT).unwrap();
    let mut catalogue = Catalogue::load(&[folder.path()]).unwrap();
    catalogue.formats.remove("invented").unwrap()
}

/// The rows as lines, in the order of the columns of the format.
fn rows(octets: &[u8]) -> (Vec<String>, Parsed) {
    let format = format();
    let Kind::Xml(settings) = &format.reader else { panic!("not a format of XML") };
    let mut found = Vec::new();
    let mut take = |_: &Format, batch: &Batch| {
        for row in 0..batch.rows.len() {
            let cell = |name: &str| {
                let place = format.fields.iter().position(|field| field == name).unwrap();
                batch.fields[place].get(row).unwrap_or("-").to_owned()
            };
            let cells = ["name()", "host:@name", "@code", "ref", "note", "line()", "host:tag[@name='end']"].map(cell);
            found.push(format!("{} {}", batch.rows[row], cells.join(" | ")));
        }
    };
    let mut out = Output::new(1, &format, &mut take);
    let mut rest = read(settings, octets, encoding::shape(octets), octets, &mut out);
    let parsed = out.finish();
    std::io::copy(&mut rest, &mut std::io::sink()).unwrap();
    assert_eq!(parsed.records + parsed.rejected + parsed.blank + parsed.passed_over, parsed.total);
    (found, parsed)
}

const SCAN: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE scan>\n<x:scan xmlns:x=\"urn:x\">\n<policy><secret>p</secret></policy>\n<summary><host name='all'/></summary>\n<hosts>\
    <host name=\"a&amp;b\">\n<tag name='start'>1</tag><tag name='end'>2</tag>\n<item x:code='7'><ref>R1</ref><ref/><ref> R2 </ref>\
    <note>one &lt;<b>two</b><![CDATA[ &three]]>&#33;</note><deep><ref>no</ref></deep></item>\n<item/></host></hosts></x:scan>\n";

#[test]
fn a_record_says_what_its_paths_find_and_ancestors_what_stands_before() {
    let (rows, parsed) = rows(SCAN.as_bytes());
    assert_eq!(
        rows,
        ["1 item | a&b | 7 | R1, R2 | one <two &three! | 8 | 2", "2 item | a&b | - | - | - | 9 | 2", "3 host | a&b | - | - | - | 6 | 2",]
    );
    assert_eq!((parsed.failed, parsed.rejected), (None, 0));
}

#[test]
fn a_document_reads_the_same_however_it_is_encoded() {
    let expected = rows(SCAN.as_bytes()).0;
    let declared = SCAN.replace("version=\"1.0\"", "version=\"1.0\" encoding=\"UTF-16\"");
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(declared.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(rows(&wide).0, expected);
    assert_eq!(rows(declared.as_bytes()).0, expected, "what can be read octet by octet is not UTF-16");
    assert_eq!(rows(&[b"\xef\xbb\xbf", SCAN.as_bytes()].concat()).0, expected);
    let latin = [b"<?xml version='1.0' encoding='ISO-8859-1'?><scan><hosts><host name='M\xfcller'/></hosts></scan>".as_slice()].concat();
    assert_eq!(rows(&latin).0, ["1 host | M\u{fc}ller | - | - | - | 1 | -"]);
    let unknown = b"<?xml version='1.0' encoding='klingon'?><scan/>";
    assert!(rows(unknown).1.failed.is_some());
    let broken = rows(b"<scan><hosts><host name='a'/><host name='\xff'/></hosts></scan>");
    assert_eq!((broken.0.len(), broken.1.rejected), (1, 1));
}

#[test]
fn what_could_reach_outside_the_document_ends_the_reading() {
    for declared in ["<!DOCTYPE scan>", "<!DOCTYPE scan SYSTEM \"file:///etc/passwd\">", "<!DOCTYPE scan PUBLIC 'a' 'b'>"] {
        let (rows, parsed) = rows(format!("{declared}<scan><hosts><host name='a'/></hosts></scan>").as_bytes());
        assert_eq!((rows.len(), parsed.failed), (1, None), "{declared}");
    }
    for declared in [
        "<!DOCTYPE scan [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>",
        "<!DOCTYPE scan []>",
        "<!DOCTYPE scan SYSTEM \"a\" [<!ENTITY % e SYSTEM \"b\">]>",
    ] {
        let (rows, parsed) = rows(format!("{declared}<scan><hosts><host name='&e;'/></hosts></scan>").as_bytes());
        assert!(rows.is_empty() && parsed.failed.is_some(), "{declared}");
        assert_eq!((parsed.rejected, parsed.notes[0].code), (1, "N-XML-001"), "{declared}");
    }
    for entity in
        ["<scan><hosts><host name='a'/><host>&e;</host></hosts></scan>", "<scan><hosts><host name='a'/><host name='&e;'/></hosts></scan>"]
    {
        let (rows, parsed) = rows(entity.as_bytes());
        assert_eq!((rows.len(), parsed.rejected, parsed.notes[0].code), (1, 1, "N-XML-002"), "{entity}");
    }
}

#[test]
fn what_was_read_before_a_mistake_stands_and_the_file_has_failed_there() {
    let whole = "<scan>\n<hosts>\n<host name='a'/>\n<host name='b'/>\n";
    for (rest, line) in [("", 5), ("</scan>", 5), ("<host name='c'", 5), ("\n<host <", 6), ("<host a='1' a='2'/>", 5), ("& ", 5)] {
        let (rows, parsed) = rows(format!("{whole}{rest}").as_bytes());
        assert_eq!((rows.len(), parsed.records, parsed.rejected), (2, 2, 1), "{rest}");
        let failed = parsed.failed.unwrap();
        assert!(failed.contains(&format!("line {line}")), "{rest}: {failed}");
    }
    for empty in ["", "text", "<scan/><scan/>", "<scan/>text"] {
        assert!(rows(empty.as_bytes()).1.failed.is_some(), "{empty}");
    }
}

#[test]
fn a_record_out_of_its_place_is_rejected_and_one_known_to_be_none_is_not() {
    let (rows, parsed) = rows(b"<scan><host name='a'/><hosts><host name='b'><host/></host></hosts></scan>");
    assert_eq!((rows.len(), parsed.rejected), (1, 1));
    assert!(parsed.notes[0].what.contains("out of its place"), "{}", parsed.notes[0].what);
}

#[test]
fn depth_attributes_and_size_have_limits() {
    let deep = format!("<scan>{}", "<a>".repeat(100));
    let many: String = (0..300).map(|n| format!(" a{n}=''")).collect();
    let tag = format!("<scan a='{}'/>", "x".repeat(MAX_TAG));
    for text in [deep, format!("<scan{many}/>"), tag, format!("<scan><!-- {} --></scan>", "x".repeat(9 << 20))] {
        assert!(rows(text.as_bytes()).1.failed.is_some(), "{}", &text[..40]);
    }
    let note = "x".repeat(3 << 20);
    let large = format!("<scan><hosts><host name='a'><item><note>{note}</note><note>{note}</note></item><item/></host></hosts></scan>");
    let (rows, parsed) = rows(large.as_bytes());
    assert_eq!((rows.len(), parsed.rejected, parsed.failed), (2, 1, None), "the one record is rejected, the others stand");
}

#[test]
fn secrets_in_records_are_masked() {
    let (rows, parsed) = rows(b"<scan><hosts><host><item><note>password=hunter2 x</note></item></host></hosts></scan>");
    assert!(rows[0].contains("password=[masked] x"), "{rows:?}");
    assert_eq!(parsed.masked, 1);
}
