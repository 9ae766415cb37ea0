//! What the redactor promises, seen from outside.

mod corpus;
mod ordinary;
mod positions;
mod property;
mod shapes;
mod speed;
mod stream;
