//! The recorder from outside: captures in, records out.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod attribution;
mod bedrock;
mod blocks;
mod budgets;
mod commits;
mod conversations;
mod estimates;
mod findings;
mod gaps;
mod gemini;
mod golden;
mod joins;
mod kit;
mod lanes;
mod ledger;
mod outcomes;
mod overflow;
mod owed;
mod priced;
mod rebuilt;
mod retries;
mod speed;
mod stored;
mod streams;
mod tool_costs;
mod tools;
mod websockets;
mod whole;
