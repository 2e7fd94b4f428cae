//! The certificates and CRLs that a `SignedData` carries (RFC 5652 5.1, RFC 2315 9.1), in DER or in BER.
//! They come out as they are encoded; what was signed, and by whom, is not looked at.

use crate::domain::ber::{Children, Element, SEQUENCE, first, optional};

/// An object of a bundle.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inside<'a> {
    /// A certificate.
    Certificate(&'a [u8]),
    /// A CRL.
    Crl(&'a [u8]),
    /// Something else that may stand beside them, by name.
    Other(&'static str),
}

/// What a bundle holds, and why it does not read to its end, if it does not.
#[derive(Debug, Default)]
pub(super) struct Bundle<'a> {
    /// Its objects, in order.
    pub(super) objects: Vec<Inside<'a>>,
    /// Octets of the content that was signed, where it is in the bundle.
    pub(super) content: Option<usize>,
    /// Octets after its end.
    pub(super) beyond: usize,
    /// Why what follows could not be read.
    pub(super) broken: Option<&'static str>,
}

/// Opens a `ContentInfo` of `SignedData`.
pub(super) fn open(octets: &[u8]) -> Bundle<'_> {
    let mut bundle = Bundle::default();
    if let Err(why) = fill(octets, &mut bundle) {
        bundle.broken = Some(why);
    }
    bundle
}

fn fill<'a>(octets: &'a [u8], bundle: &mut Bundle<'a>) -> Result<(), &'static str> {
    const NO: &str = "a bundle (SignedData) that is cut, or nested too deeply";
    let (outer, after) = first(octets).ok_or(NO)?;
    bundle.beyond = after.len();
    let explicit = outer.children().nth(1).filter(|element| element.tag == 0xa0).ok_or(NO)?;
    let (signed, _) = first(explicit.content).filter(|(element, _)| element.tag == SEQUENCE).ok_or(NO)?;
    // Version, digest algorithms, content.
    let mut members = signed.children().peekable();
    let content = members.nth(2).filter(|element| element.tag == SEQUENCE).ok_or(NO)?;
    bundle.content = content.children().nth(1).and_then(|explicit| first(explicit.content)?.0.string()).map(|content| content.len());
    if let Some(certificates) = optional(&mut members, 0xa0) {
        choices(
            certificates,
            bundle,
            Inside::Certificate,
            &[(0xa0, "an extended certificate"), (0xa1, "an attribute certificate"), (0xa2, "an attribute certificate")],
        )?;
    }
    if let Some(crls) = optional(&mut members, 0xa1) {
        choices(crls, bundle, Inside::Crl, &[(0xa1, "revocation information that is no CRL")])?;
    }
    // The signers, which a degenerate bundle has none of.
    members.next().map(|_| ()).ok_or(NO)
}

fn choices<'a>(
    of: Element<'a>,
    bundle: &mut Bundle<'a>,
    make: fn(&'a [u8]) -> Inside<'a>,
    others: &[(u8, &'static str)],
) -> Result<(), &'static str> {
    let mut children: Children<'a> = of.children();
    for child in children.by_ref() {
        bundle.objects.push(match child.tag {
            SEQUENCE => make(child.whole),
            tag => Inside::Other(others.iter().find(|(known, _)| *known == tag).map_or("an object of another kind", |(_, name)| name)),
        });
    }
    if children.broken { Err("an object that is cut, or nested too deeply") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80][..], content, &[0, 0]].concat()
    }

    fn bundle(certificates: &[u8], crls: &[u8]) -> Vec<u8> {
        let mut members = vec![0x02, 0x01, 0x01, 0x31, 0x00];
        members.extend(wrapped(0x30, &[0x06, 0x01, 0x2a, 0xa0, 0x80, 0x24, 0x80, 0x04, 0x02, 7, 8, 0x04, 0x01, 9, 0, 0, 0, 0]));
        members.extend(wrapped(0xa0, certificates));
        members.extend(wrapped(0xa1, crls));
        members.extend([0x31, 0x00]);
        let inner = wrapped(0x30, &members);
        wrapped(0x30, &[&[0x06, 0x01, 0x2a][..], &wrapped(0xa0, &inner)].concat())
    }

    #[test]
    fn objects_come_out_as_they_are_encoded() {
        let octets = bundle(&[0x30, 0x01, 1, 0xa2, 0x00, 0x30, 0x80, 0x02, 0x01, 5, 0, 0], &[0x30, 0x01, 2]);
        let opened = open(&octets);
        assert_eq!(
            opened.objects,
            [
                Inside::Certificate(&[0x30, 0x01, 1]),
                Inside::Other("an attribute certificate"),
                Inside::Certificate(&[0x30, 0x80, 0x02, 0x01, 5, 0, 0]),
                Inside::Crl(&[0x30, 0x01, 2])
            ]
        );
        assert_eq!((opened.content, opened.broken), (Some(3), None));
    }

    #[test]
    fn a_bundle_cut_anywhere_is_broken_and_no_panic() {
        let octets = bundle(&[0x30, 0x01, 1], &[0x30, 0x01, 2]);
        for end in 0..octets.len() {
            assert!(open(&octets[..end]).broken.is_some(), "cut at {end}");
        }
    }

    #[test]
    fn what_stands_before_a_broken_object_is_kept() {
        let octets = bundle(&[0x30, 0x01, 1, 0x02, 0x7f, 9], &[]);
        // The length of the second object runs over the end of the bundle: nothing of it holds together.
        assert!(open(&octets).broken.is_some());
        let definite = [
            &[0x30, 0x1e, 0x06, 0x01, 0x2a, 0xa0, 0x19, 0x30, 0x17, 0x02, 0x01, 1, 0x31, 0x00, 0x30, 0x03, 0x06, 0x01, 0x2a][..],
            &[0xa0, 0x09, 0x30, 0x01, 1, 0x30, 0x7f, 1, 2, 3, 4, 0x31, 0x00],
        ]
        .concat();
        let opened = open(&definite);
        assert_eq!(opened.objects, [Inside::Certificate(&[0x30, 0x01, 1])]);
        assert!(opened.broken.is_some());
    }
}
