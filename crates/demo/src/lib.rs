//! A realistic mailbox to look at: generated mail and the free part of the test corpus.
