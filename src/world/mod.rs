//! Hosts, links and faults composed: inputs in, trace out.
