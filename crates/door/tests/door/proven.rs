//! Who is let in by a proof, and is told so before they come in.

use crate::house::{House, visitor};
use door::Entered;
use mailbox::account::directory::Standing;

impl House {
    async fn proven(&self, name: &str, password: &str) -> Entered {
        self.enter(self.proof("SCRAM-SHA-256", name, password)).await.unwrap()
    }

    fn confirms(&self, entered: &Entered) -> bool {
        self.keeper.confirm(entered, &visitor("192.0.2.1:1")).is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_a_while_to_come_in_does_not_by_what_was_taken_back_meanwhile() {
    let house = House::new(vec![]).await;
    for name in ["ann", "bob", "eve"] {
        house.add_by_pool(name, "before").await;
    }
    let [ann, bob, eve] = [
        house.proven("ann", "before").await,
        house.proven("bob", "before").await,
        house.proven("eve", "before").await,
    ];
    house.change_password("ann", "after").await;
    house.accounts.set_standing("bob", Standing::Disabled).await.unwrap();
    assert_eq!([&ann, &bob, &eve].map(|entered| house.confirms(entered)), [false, false, true]);
    assert!(house.confirms(&house.proven("ann", "after").await));
    assert_eq!(house.prove("SCRAM-SHA-256", "bob", "before").await, "Wrong");
}
