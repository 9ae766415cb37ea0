//! Costs as JSON: what flows cost, of which class of usage, and what has no price.

use langley_engine::{Block, BlockReport, Pace, PricedAnew, Scanned, TranscriptBy};
use langley_model::{CostClass, NanoUsd};
use langley_store::{
    CostBy, CostGroup, CostKey, CostQuery, CostReport, Figure, GroupBy, Measure, RepriceRow,
    Repriced, Sums, Tally, ToolCostSums, ToolCostTally, UnpricedModel,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::flow::Cost;
use super::page::rfc3339;
use super::usage::{Estimated, GroupLabel, UsageSums, date};

/// The word for what providers told as a whole.
pub const UNDIVIDED: &str = "undivided";

/// What flows cost.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Spent {
    /// The cost of the flows that have one; null when none has.
    pub cost: Option<Cost>,
    /// Flows that have a cost.
    pub priced_flows: u64,
    /// Flows that have ended and used something that is billed, and without a cost.
    pub unpriced_flows: u64,
    /// All flows, those that used nothing included.
    pub flows: u64,
    /// What of the cost is for which class of usage; null where that is known of no flow.
    pub cost_by_class: Option<ClassCosts>,
    /// What providers did not tell, estimated: part of neither cost nor usage; null where that is nothing.
    pub estimated: Option<Estimated>,
    /// Tokens per class; null where no flow had the figure.
    pub usage: UsageSums,
}

/// A cost by class of usage; they add up to it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct ClassCosts {
    /// Input tokens that the cache had no part in.
    pub input: Cost,
    /// Input tokens read from the prompt cache.
    pub cache_read: Cost,
    /// Input tokens written to the cache for five minutes.
    pub cache_write_5m: Cost,
    /// Input tokens written to the cache for one hour.
    pub cache_write_1h: Cost,
    /// Output tokens.
    pub output: Cost,
    /// Reasoning tokens that are counted beside the output.
    pub reasoning: Cost,
    /// Web searches run by the provider.
    pub web_search: Cost,
    /// Of flows whose provider told the cost as a whole.
    pub undivided: Cost,
}

/// Costs: groups of flows and what they add up to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CostPage {
    /// By what the groups are told apart.
    pub group_by: Vec<String>,
    /// The zone of the days, as its distance from UTC.
    pub tz: String,
    /// Whether every flow is part of the sums; false while those of an earlier version are being added.
    pub complete: bool,
    /// Whether it is told from the flows that are kept. Else from sums by the hour, which outlive them.
    pub from_flows: bool,
    /// By time where that was asked for first, else the dearest first.
    pub items: Vec<CostItem>,
    /// What all groups add up to, those that are not listed included; of costs by tool what all flows cost,
    /// whosever it is.
    pub totals: Spent,
    /// What all tools cost together, where costs are told by tool; the rest of the totals is no tool's.
    pub tools: Option<ToolCosts>,
    /// Models that have no price, or not for all that was used.
    pub unpriced: Vec<Unpriced>,
    /// Whether there are more groups than are listed.
    pub more: bool,
    /// Always null: ask for more with `limit`.
    pub next_cursor: Option<String>,
    /// What it is told from: `record`, the flows that passed through Langley; or `transcripts`, the files that agents
    /// keep of their sessions, where a flow stands for a response.
    pub source: String,
    /// What of the files was read; null of flows.
    pub read: Option<TranscriptsRead>,
}

/// Flows that are alike in what was asked for. What was not asked for is null, and so is what is not known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CostItem {
    /// In what they are alike.
    #[serde(flatten)]
    pub label: GroupLabel,
    /// The session; of a subagent, the one it is of.
    pub session: Option<String>,
    /// The task.
    pub task: Option<String>,
    /// The subagent.
    pub subagent: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// The class of usage, as `cache_read`, or `undivided` for what providers told as a whole; its cost alone is
    /// told then.
    pub class: Option<String>,
    /// Tokens, or calls, of the class; nothing is counted in two of them. Of what is undivided, flows.
    pub units: Option<u64>,
    /// The tool. What flows cost it is `cost` then, and `flows` are those that it has a part of.
    pub tool: Option<String>,
    /// Of a tool, what that cost is made of.
    pub tool_cost: Option<ToolCosts>,
    /// What they cost.
    #[serde(flatten)]
    pub spent: Spent,
}

/// What tools cost: their calls as output, and their results as input the first time that they are sent. Shares by
/// bytes of what the flows cost.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct ToolCosts {
    /// Calls, searches and results together; null where none of it is known.
    pub cost: Option<Cost>,
    /// The calls; null where none of theirs is known.
    pub output: Option<Cost>,
    /// Web searches that the provider ran.
    pub search: Cost,
    /// The results, the first time.
    pub result: Option<Cost>,
    /// Calls and results that stand in later requests; no part of the cost.
    pub reread: Cost,
    /// Calls.
    pub calls: u64,
    /// Calls of unknown cost.
    pub unpriced_calls: u64,
    /// Results, each where it was sent first.
    pub results: u64,
    /// Results of unknown cost.
    pub unpriced_results: u64,
}

/// A model without a price.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Unpriced {
    /// The provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// How many of its flows these are. What else it used is told by `group_by=model`, that of flows with a cost
    /// included.
    pub unpriced_flows: u64,
}

/// Blocks of five hours.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BlockPage {
    /// Whether every flow is part of the sums; false while those of an earlier version are being added.
    pub complete: bool,
    /// By time.
    pub items: Vec<BlockItem>,
    /// Always null: the list is whole.
    pub next_cursor: Option<String>,
}

/// A block of five hours: it begins with the hour of the first use after the one before.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BlockItem {
    /// Its beginning.
    pub start: String,
    /// Its end, five hours later.
    pub end: String,
    /// The hour of its last use.
    pub last_hour: String,
    /// Whether it goes on.
    pub active: bool,
    /// How fast it is used up, since its beginning; null where it is over.
    pub pace: Option<BlockPace>,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
}

/// How fast a block is used up.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct BlockPace {
    /// Seconds since its beginning.
    pub elapsed_s: i64,
    /// Cost for an hour.
    pub cost_per_hour: Cost,
    /// Cost at its end, if it goes on so.
    pub projected_cost: Cost,
    /// Tokens for a minute: all that is billed but what was read from the cache.
    pub tokens_per_minute: u64,
}

/// What pricing flows anew came to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RepriceDone {
    /// Whether it was a trial, that changed nothing.
    pub dry_run: bool,
    /// The version of the price book.
    pub book: String,
    /// Ended flows that were looked at.
    pub flows: u64,
    /// Those whose cost, or the terms of it, changed.
    pub changed: u64,
    /// Of these, that had no cost before.
    pub priced: u64,
    /// Of these, that have none any more.
    pub unpriced: u64,
    /// What those that changed cost before.
    pub before: Cost,
    /// What they cost now.
    pub after: Cost,
    /// What came of the responses that transcripts tell of; null in the list of runs, where they are a run of their
    /// own.
    pub responses: Option<RepricedResponses>,
}

/// What came of pricing responses anew that transcripts tell of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RepricedResponses {
    /// Responses that were looked at.
    pub responses: u64,
    /// Those whose cost changed.
    pub changed: u64,
    /// Of these, that had no cost before.
    pub priced: u64,
    /// Of these, that have none any more.
    pub unpriced: u64,
    /// What those that changed cost before.
    pub before: Cost,
    /// What they cost now.
    pub after: Cost,
}

/// A run of pricing flows anew, or the responses that transcripts tell of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RepriceItem {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub at: String,
    /// Flows that began at this time or later.
    pub since: Option<String>,
    /// Flows that began before this time.
    pub until: Option<String>,
    /// Flows of this model.
    pub model: Option<String>,
    /// Whether it came to its end.
    pub finished: bool,
    /// Whether it was of responses that transcripts tell of, and not of flows.
    pub transcripts: bool,
    /// What came of it.
    #[serde(flatten)]
    pub done: RepriceDone,
}

/// Runs of pricing flows anew.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RepricePage {
    /// The newest first.
    pub items: Vec<RepriceItem>,
    /// Always null: the newest hundred are all that is told.
    pub next_cursor: Option<String>,
}

/// Costs as `GET /api/analytics/cost` tells them; `by_class` where they were asked for by class.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn cost_json(
    query: &CostQuery,
    report: &CostReport,
    by_class: bool,
    tz: &str,
) -> serde_json::Result<Value> {
    serde_json::to_value(CostPage::of(query, report, by_class, tz))
}

/// Costs told from transcripts, in the form of [`cost_json`], and what was read: as a text, because there may be
/// thousands of groups.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn transcript_cost_json(
    report: (&[TranscriptBy], &CostReport),
    by_class: bool,
    tz: &str,
    scanned: &Scanned,
) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&CostPage::of_transcripts(report, by_class, tz, scanned))
}

/// What of transcripts was read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TranscriptsRead {
    /// Files that were read, now or earlier.
    pub files: usize,
    /// Files that could not be read.
    pub refused: usize,
    /// Lines that told usage.
    pub lines: u64,
    /// Lines that should have told it and could not be read.
    pub unreadable_lines: u64,
}

impl From<&Scanned> for TranscriptsRead {
    fn from(scanned: &Scanned) -> Self {
        let lines = scanned.lines();
        Self {
            files: scanned.files(),
            refused: scanned.refused.len(),
            lines: lines.telling,
            unreadable_lines: lines.unreadable,
        }
    }
}

/// Blocks as `GET /api/analytics/blocks` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn blocks_json(report: &BlockReport) -> serde_json::Result<Value> {
    serde_json::to_value(BlockPage::from(report))
}

/// Runs as `GET /api/cost/reprices` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn reprices_json(rows: &[RepriceRow]) -> serde_json::Result<Value> {
    serde_json::to_value(RepricePage::from(rows))
}

/// What a run came to, as `POST /api/cost/reprice` tells it.
///
/// # Errors
/// It cannot be written as JSON: a defect in a shape's derive.
pub fn reprice_json(book: &str, done: &PricedAnew, dry_run: bool) -> serde_json::Result<Value> {
    serde_json::to_value(RepriceDone::of(book, done, dry_run))
}

fn money(sum: u64) -> Cost {
    Cost { micro_usd: sum.cast_signed() }
}

impl From<&Sums> for Spent {
    fn from(sums: &Sums) -> Self {
        let cost = sums.figure(Measure::Cost);
        Self {
            cost: cost.known().map(money),
            priced_flows: cost.flows,
            unpriced_flows: sums.tally(Tally::Unpriced),
            flows: sums.tally(Tally::Flows),
            cost_by_class: ClassCosts::of(sums),
            estimated: Estimated::of(sums),
            usage: sums.into(),
        }
    }
}

impl ClassCosts {
    fn of(sums: &Sums) -> Option<Self> {
        let of = |class| sums.figure(Measure::of_class(class)).sum;
        let Figure { flows, .. } = sums.figure(Measure::CostInput);
        (flows > 0).then(|| Self {
            input: money(of(CostClass::Input)),
            cache_read: money(of(CostClass::CacheRead)),
            cache_write_5m: money(of(CostClass::CacheWrite5m)),
            cache_write_1h: money(of(CostClass::CacheWrite1h)),
            output: money(of(CostClass::Output)),
            reasoning: money(of(CostClass::Reasoning)),
            web_search: money(of(CostClass::WebSearch)),
            undivided: money(sums.undivided().sum),
        })
    }
}

impl From<&ToolCostSums> for ToolCosts {
    fn from(sums: &ToolCostSums) -> Self {
        let of = |tally| sums.tally(tally);
        let told = |nano: NanoUsd| Cost::from(nano.rounded());
        let money = |tally| told(NanoUsd(of(tally)));
        let if_priced =
            |priced: u64, count: u64, tally| (priced > 0 || count == 0).then(|| money(tally));
        let (calls, priced_calls) = (of(ToolCostTally::Calls), of(ToolCostTally::PricedCalls));
        let (results, priced) = (of(ToolCostTally::Results), of(ToolCostTally::PricedResults));
        Self {
            cost: sums.cost().map(told),
            output: if_priced(priced_calls, calls, ToolCostTally::Output),
            search: money(ToolCostTally::Search),
            result: if_priced(priced, results, ToolCostTally::Result),
            reread: money(ToolCostTally::Reread),
            calls,
            unpriced_calls: calls.saturating_sub(priced_calls),
            results,
            unpriced_results: results.saturating_sub(priced),
        }
    }
}

impl CostPage {
    pub(crate) fn of(query: &CostQuery, report: &CostReport, by_class: bool, tz: &str) -> Self {
        let (group_by, items) = if by_class {
            (vec!["class".to_owned()], by_class_items(&report.totals))
        } else {
            let names = query.by.iter().map(|by| by.as_str().to_owned());
            let items = report.groups.iter().map(|group| CostItem::of(&query.by, group));
            (names.collect(), items.collect())
        };
        Self {
            group_by,
            tz: tz.to_owned(),
            complete: !report.filling,
            from_flows: report.from_flows,
            items,
            totals: (&report.totals).into(),
            tools: report.tools.as_ref().map(Into::into),
            unpriced: report.unpriced.iter().map(Into::into).collect(),
            more: report.more && !by_class,
            next_cursor: None,
            source: "record".to_owned(),
            read: None,
        }
    }

    /// Of what transcripts tell.
    pub(crate) fn of_transcripts(
        (by, report): (&[TranscriptBy], &CostReport),
        by_class: bool,
        tz: &str,
        scanned: &Scanned,
    ) -> Self {
        let flows = |by: &TranscriptBy| match by {
            TranscriptBy::Hour => CostBy::Usage(GroupBy::Hour),
            TranscriptBy::Day => CostBy::Usage(GroupBy::Day),
            TranscriptBy::Agent => CostBy::Usage(GroupBy::Agent),
            TranscriptBy::Provider => CostBy::Usage(GroupBy::Provider),
            TranscriptBy::Model => CostBy::Usage(GroupBy::Model),
            TranscriptBy::Session => CostBy::Session,
            TranscriptBy::Subagent => CostBy::Subagent,
            TranscriptBy::Project => CostBy::Project,
        };
        let query = CostQuery { by: by.iter().map(flows).collect(), ..CostQuery::default() };
        let page = Self::of(&query, report, by_class, tz);
        Self { source: "transcripts".to_owned(), read: Some(scanned.into()), ..page }
    }
}

/// An item for each class, and for what is divided into none where there is such a cost: they add up to the totals.
fn by_class_items(totals: &Sums) -> Vec<CostItem> {
    let item = |class: &str, Figure { sum, flows }: Figure, units: Option<u64>| {
        let mut item = CostItem::of(
            &[],
            &CostGroup { keys: Vec::new(), session: None, sums: totals.clone(), tool: None },
        );
        item.class = Some(class.to_owned());
        item.units = units;
        item.spent.cost = (flows > 0).then(|| money(sum));
        item.spent.cost_by_class = None;
        item
    };
    let of_class = |class: CostClass| {
        let units = totals.figure(Measure::units_of(class)).known();
        item(class.as_str(), totals.figure(Measure::of_class(class)), units)
    };
    let undivided = totals.undivided();
    let whole = undivided.known().map(|_| item(UNDIVIDED, undivided, Some(undivided.flows)));
    CostClass::ALL.into_iter().map(of_class).chain(whole).collect()
}

impl CostItem {
    fn of(by: &[CostBy], group: &CostGroup) -> Self {
        let mut item = Self {
            label: GroupLabel::default(),
            session: group.session.clone(),
            task: None,
            subagent: None,
            project: None,
            class: None,
            units: None,
            tool: None,
            tool_cost: group.tool.as_ref().map(Into::into),
            spent: (&group.sums).into(),
        };
        for (by, key) in by.iter().zip(&group.keys) {
            let name = match key {
                CostKey::Hour(at) => Some(rfc3339(*at)),
                CostKey::Day(day) => Some(date(*day)),
                CostKey::Name(name) => name.clone(),
            };
            *match by {
                CostBy::Usage(GroupBy::Hour) => &mut item.label.hour,
                CostBy::Usage(GroupBy::Day) => &mut item.label.day,
                CostBy::Usage(GroupBy::Host) => &mut item.label.host,
                CostBy::Usage(GroupBy::Provider) => &mut item.label.provider,
                CostBy::Usage(GroupBy::Model) => &mut item.label.model,
                CostBy::Usage(GroupBy::Agent) => &mut item.label.agent,
                CostBy::Session => &mut item.session,
                CostBy::Task => &mut item.task,
                CostBy::Subagent => &mut item.subagent,
                CostBy::Project => &mut item.project,
                CostBy::Tool => &mut item.tool,
            } = name;
        }
        item
    }
}

impl From<&UnpricedModel> for Unpriced {
    fn from(model: &UnpricedModel) -> Self {
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            provider: known(&model.provider),
            model: known(&model.model),
            unpriced_flows: model.flows,
        }
    }
}

impl From<&BlockReport> for BlockPage {
    fn from(report: &BlockReport) -> Self {
        Self {
            complete: !report.filling,
            items: report.blocks.iter().map(Into::into).collect(),
            next_cursor: None,
        }
    }
}

impl From<&Block> for BlockItem {
    fn from(block: &Block) -> Self {
        Self {
            start: rfc3339(block.start),
            end: rfc3339(block.end),
            last_hour: rfc3339(block.last_hour),
            active: block.pace.is_some(),
            pace: block.pace.map(Into::into),
            spent: (&block.sums).into(),
        }
    }
}

impl From<Pace> for BlockPace {
    fn from(pace: Pace) -> Self {
        Self {
            elapsed_s: pace.elapsed_us / 1_000_000,
            cost_per_hour: Cost { micro_usd: pace.cost_per_hour },
            projected_cost: Cost { micro_usd: pace.projected_cost },
            tokens_per_minute: pace.tokens_per_minute,
        }
    }
}

impl RepriceDone {
    pub(crate) fn of(book: &str, done: &PricedAnew, dry_run: bool) -> Self {
        let Repriced { flows: responses, changed, priced, unpriced, before, after } = done.told;
        let (before, after) = (before.into(), after.into());
        let responses = RepricedResponses { responses, changed, priced, unpriced, before, after };
        Self { dry_run, responses: Some(responses), ..Self::run(book, &done.flows) }
    }

    /// What came of a run, whatever it was of.
    fn run(book: &str, done: &Repriced) -> Self {
        let Repriced { flows, changed, priced, unpriced, before, after } = *done;
        Self {
            dry_run: false,
            book: book.to_owned(),
            flows,
            changed,
            priced,
            unpriced,
            before: before.into(),
            after: after.into(),
            responses: None,
        }
    }
}

impl From<&[RepriceRow]> for RepricePage {
    fn from(rows: &[RepriceRow]) -> Self {
        let item = |row: &RepriceRow| RepriceItem {
            id: row.id,
            at: rfc3339(row.at),
            since: row.query.since.map(rfc3339),
            until: row.query.until.map(rfc3339),
            model: row.query.model.clone(),
            finished: row.finished,
            transcripts: row.is_of_transcripts,
            done: RepriceDone::run(&row.book, &row.repriced),
        };
        Self { items: rows.iter().map(item).collect(), next_cursor: None }
    }
}
