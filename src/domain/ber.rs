//! Elements of BER and DER (ITU-T X.690), found without being understood: enough to pull the objects out
//! of a bundle whose outer layers are BER, and to tell what an unknown file is made of.
//!
//! Lengths are checked against what is there, indefinite lengths are followed to their end, and nesting
//! ends at 32. Nothing is copied but the pieces of a string that is encoded in pieces.

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 32;
/// The tag of a SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;
/// The tag of an INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// The tag of an OBJECT IDENTIFIER.
pub(crate) const OID: u8 = 0x06;
/// The tag of an OCTET STRING that is not in pieces.
pub(crate) const OCTETS: u8 = 0x04;
/// The bit of a tag that says an element holds elements.
const CONSTRUCTED: u8 = 0x20;

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    /// The identifier octet; tags above 30 are refused, since nothing that is read here has one.
    pub(crate) tag: u8,
    /// The content, without the octets that end one of indefinite length.
    pub(crate) content: &'a [u8],
    /// The element as it is encoded.
    pub(crate) whole: &'a [u8],
}

/// The first element of some octets, and what follows it. Nothing where there is no whole one.
pub(crate) fn first(octets: &[u8]) -> Option<(Element<'_>, &[u8])> {
    element(octets, 0)
}

/// The head of the first element, which may be cut: its tag, its length where it has one, and the octets
/// of its content that are there.
pub(crate) fn head(octets: &[u8]) -> Option<(u8, Option<usize>, &[u8])> {
    let (tag, rest) = octets.split_first()?;
    let (length, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    match length {
        0x80 => (tag & CONSTRUCTED != 0).then_some((*tag, None, rest)),
        0..0x80 => Some((*tag, Some(usize::from(*length)), rest)),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = digits.iter().try_fold(0_usize, |length, digit| length.checked_mul(256)?.checked_add(usize::from(*digit)))?;
            Some((*tag, Some(length), rest))
        }
    }
}

fn element(octets: &[u8], depth: usize) -> Option<(Element<'_>, &[u8])> {
    let (tag, length, rest) = head(octets)?;
    if depth > MAX_DEPTH {
        return None;
    }
    let (content, after) = if let Some(length) = length {
        rest.split_at_checked(length)?
    } else {
        let mut left = rest;
        while !left.starts_with(&[0, 0]) {
            left = element(left, depth + 1)?.1;
        }
        (rest.get(..rest.len() - left.len())?, left.get(2..)?)
    };
    Some((Element { tag, content, whole: octets.get(..octets.len() - after.len())? }, after))
}

impl<'a> Element<'a> {
    /// The elements inside, in order. A broken one ends them: see [`Children::broken`].
    pub(crate) fn children(&self) -> Children<'a> {
        Children { left: self.content, broken: false }
    }

    /// The content of a string. One in pieces is joined; nothing where it does not hold together.
    pub(crate) fn string(&self) -> Option<Vec<u8>> {
        let mut joined = Vec::new();
        join(*self, 0, &mut joined).then_some(joined)
    }
}

fn join(element: Element<'_>, depth: usize, joined: &mut Vec<u8>) -> bool {
    if element.tag & CONSTRUCTED == 0 {
        joined.extend_from_slice(element.content);
        return true;
    }
    let mut children = element.children();
    depth < MAX_DEPTH && children.all(|piece| join(piece, depth + 1, joined)) && !children.broken
}

/// The elements inside another.
pub(crate) struct Children<'a> {
    left: &'a [u8],
    /// What is left is no whole element.
    pub(crate) broken: bool,
}

impl<'a> Iterator for Children<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        if self.left.is_empty() || self.broken {
            return None;
        }
        match first(self.left) {
            Some((element, rest)) => {
                self.left = rest;
                Some(element)
            }
            None => {
                self.broken = true;
                None
            }
        }
    }
}

/// The next element, if it has the tag; otherwise it stays.
pub(crate) fn optional<'a>(children: &mut std::iter::Peekable<Children<'a>>, tag: u8) -> Option<Element<'a>> {
    children.next_if(|element| element.tag == tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_length_beyond_the_octets_is_no_element() {
        assert_eq!(first(&[0x30, 0x05, 1, 2]), None);
        assert_eq!(first(&[0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(first(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]), None);
        assert_eq!(first(&[0x3f, 0x81, 0x01, 0x00]), None);
    }

    #[test]
    fn an_indefinite_length_ends_where_it_says() {
        let octets = [0x30, 0x80, 0x30, 0x80, 0x02, 0x01, 0x07, 0, 0, 0, 0, 0xff];
        let (outer, rest) = first(&octets).unwrap();
        assert_eq!((outer.content, rest), (&octets[2..9], &octets[11..]));
        let inner = outer.children().next().unwrap();
        assert_eq!(inner.children().next().unwrap().content, [7]);
        assert_eq!(first(&octets[..9]), None, "an end that is missing");
    }

    #[test]
    fn a_string_in_pieces_is_joined() {
        let octets = [0x24, 0x80, 0x04, 0x01, 1, 0x24, 0x03, 0x04, 0x01, 2, 0, 0];
        assert_eq!(first(&octets).unwrap().0.string(), Some(vec![1, 2]));
        assert_eq!(first(&[0x24, 0x03, 0x04, 0x02, 1]).unwrap().0.string(), None);
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let deep: Vec<u8> = std::iter::repeat_n([0x30, 0x80], 200_000).flatten().collect();
        assert_eq!(first(&deep), None);
    }

    proptest! {
        #[test]
        fn elements_and_what_follows_them_are_all_there_is(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some((element, rest)) = first(&octets) {
                prop_assert_eq!(&[element.whole, rest].concat(), &octets);
                let children = element.children();
                prop_assert!(children.count() <= element.content.len());
            }
        }
    }
}
