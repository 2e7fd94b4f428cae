//! Cases.

#[test]
fn builds() {
    assert!(assure::catalogue::Catalogue::load(&[]).is_ok());
}
