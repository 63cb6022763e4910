//! Values that a crash may lose.

use super::caller::Caller;
use crate::Store;
use std::sync::Arc;

/// And removing what is not there is harmless.
pub fn a_soft_value_is_put_replaced_and_removed(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    assert_eq!(me.soft(b"key"), None);
    me.put_soft(b"key", Some("one"));
    assert_eq!(me.soft(b"key").as_deref(), Some("one"));
    me.put_soft(b"key", Some(""));
    assert_eq!(me.soft(b"key").as_deref(), Some(""));
    me.put_soft(b"key", None);
    me.put_soft(b"key", None);
    assert_eq!(me.soft(b"key"), None);
}

/// None is a prefix of another by accident.
pub fn soft_keys_are_any_octets(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let keys: [&[u8]; 6] = [b"", b"\0", b"\0\0", b"a", b"a\0", b"\xff\xff"];
    for (key, value) in keys.iter().zip(["0", "1", "2", "3", "4", "5"]) {
        me.put_soft(key, Some(value));
    }
    assert_eq!(keys.map(|key| me.soft(key).unwrap()), ["0", "1", "2", "3", "4", "5"]);
    me.put_soft(b"a", None);
    assert_eq!(me.soft(b"a\0").as_deref(), Some("4"));
}
