//! What the evidence of findings adds up to within a span of time.

use langley_model::{FindingKind, MicroUsd, Micros};

use crate::error::StoreError;
use crate::store::Store;

/// What a finding has of its evidence within a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingShare {
    /// Its number.
    pub id: i64,
    /// What it is about.
    pub subject: String,
    /// Flows that show it.
    pub times: u64,
    /// What they cost; none where none of them says.
    pub cost: Option<MicroUsd>,
}

impl Store {
    /// Tells of the findings of a kind, the dearest first, what those flows add up to that show them and began
    /// at `since` or later, and before `until`. However many there are, one is held at a time.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn finding_shares(
        &self,
        kind: FindingKind,
        (since, until): (Option<Micros>, Option<Micros>),
        mut see: impl FnMut(FindingShare),
    ) -> Result<(), StoreError> {
        let since = since.map_or(i64::MIN, |since| since.0);
        let until = until.map_or(i64::MAX, |until| until.0);
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, key, count(*), sum(finding_flows.micro_usd) AS cost
                 FROM findings CROSS JOIN finding_flows ON finding = id
                 WHERE kind = ?1 AND last_at >= ?2 AND first_at < ?3
                     AND shows AND flow >= ?2 AND flow < ?3
                 GROUP BY id ORDER BY ifnull(cost, -1) DESC, id",
            )?;
            let mut rows = statement.query((kind.as_str(), since, until))?;
            while let Some(row) = rows.next()? {
                let key: String = row.get(1)?;
                see(FindingShare {
                    id: row.get(0)?,
                    // Behind kind and session.
                    subject: key.splitn(3, '\n').last().unwrap_or_default().to_owned(),
                    times: row.get::<_, i64>(2)?.cast_unsigned(),
                    cost: row.get::<_, Option<i64>>(3)?.map(MicroUsd),
                });
            }
            Ok(())
        })
    }
}
