//! A fake clock, scripted peers and a disk that fails on demand.
