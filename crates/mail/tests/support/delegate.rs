//! For a store that does most things as the one inside does them.

/// Methods of [`store::Store`] that are left to `self.inner`; `store::*` and `Bytes` are in scope.
macro_rules! left_to_inner {
    ($($method:ident)+) => { $( left_to_inner!(@ $method); )+ };
    (@ commit) => { left_to_inner!(= commit(commit: Commit) -> Committed); };
    (@ read) => { left_to_inner!(= read(stream: StreamId, after: Seq, limit: usize) -> Vec<Event>); };
    (@ heads) => { left_to_inner!(= heads(streams: &[StreamId]) -> Vec<Option<(Seq, Head)>>); };
    (@ list_streams) => { left_to_inner!(= list_streams(of: AccountId) -> Vec<(StreamId, Seq, Head)>); };
    (@ drop_stream) => { left_to_inner!(= drop_stream(stream: StreamId) -> ()); };
    (@ trim) => { left_to_inner!(= trim(stream: StreamId, through: Seq) -> ()); };
    (@ snapshot_at) => { left_to_inner!(= snapshot_at(stream: StreamId, at: Seq) -> Option<Snapshot>); };
    (@ put_snapshot) => { left_to_inner!(= put_snapshot(stream: StreamId, snapshot: Snapshot) -> ()); };
    (@ records) => {
        left_to_inner!(= records(of: AccountId, ranges: &[EmailRange]) -> Vec<(EmailId, Bytes)>);
    };
    (@ list_records) => {
        left_to_inner!(= list_records(of: AccountId, range: EmailRange, limit: usize) -> Vec<Listed>);
    };
    (@ stage_body) => { left_to_inner!(= stage_body(of: AccountId) -> Box<dyn BodyWriter>); };
    (@ body) => {
        left_to_inner!(= body(of: AccountId, body: BodyId, offset: u64, length: usize) -> Option<Bytes>);
    };
    (@ body_len) => { left_to_inner!(= body_len(of: AccountId, body: BodyId) -> Option<u64>); };
    (@ list_bodies) => {
        left_to_inner!(= list_bodies(of: AccountId, after: Option<BodyId>, limit: usize) -> Vec<BodyId>);
    };
    (@ delete_body) => { left_to_inner!(= delete_body(of: AccountId, body: BodyId) -> ()); };
    (@ soft) => { left_to_inner!(= soft(of: AccountId, key: &[u8]) -> Option<Bytes>); };
    (@ put_soft) => { left_to_inner!(= put_soft(of: AccountId, key: &[u8], value: Option<Bytes>) -> ()); };
    (@ watch) => {
        fn watch(&self) -> Box<dyn Watch> {
            self.inner.watch()
        }
    };
    (= $method:ident($($name:ident: $type:ty),*) -> $answer:ty) => {
        fn $method(&self, $($name: $type),*) -> Answer<'_, $answer> {
            self.inner.$method($($name),*)
        }
    };
}
pub(crate) use left_to_inner;
