//! Mail user agents and mail retrieval agents: composing, submitting, reading, fetching.
