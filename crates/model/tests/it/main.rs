//! What the redactor promises, seen from outside.
#![cfg(test)]

mod corpus;
mod ordinary;
mod positions;
mod property;
mod several;
mod shapes;
mod speed;
mod stream;
