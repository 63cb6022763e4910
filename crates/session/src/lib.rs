//! What may be said, and when: the conversations, free of sockets and clocks.
