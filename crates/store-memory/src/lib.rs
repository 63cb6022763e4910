//! A store in memory: the honest reference for the others.
