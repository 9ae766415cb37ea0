//! Budgets, read out of the layers.

use std::collections::BTreeSet;

use langley_engine::{Budget, BudgetAction, BudgetScope};
use langley_model::{MicroUsd, Project};
use serde_json::Value;

use super::layers::{Layers, Origin};
use super::problem::Problem;

const SECTION: &str = "budgets";
const LEAVES: [&str; 6] = ["limit_usd", "scope", "action", "agent", "model", "project"];

/// The budgets by name.
///
/// # Errors
/// One has no limit, or is to refuse by what no header says.
pub(super) fn read(layers: &Layers) -> Result<Vec<Budget>, Problem> {
    let named = LEAVES.iter().flat_map(|leaf| layers.named(SECTION, leaf));
    let names: BTreeSet<String> = named.map(|(name, _)| name).collect();
    names.into_iter().map(|name| budget(layers, name)).collect()
}

fn budget(layers: &Layers, name: String) -> Result<Budget, Problem> {
    let path = |leaf: &str| format!("{SECTION}.{name}.{leaf}");
    let text = |leaf: &str| layers.value(&path(leaf)).and_then(Value::as_str);
    let wrong = |leaf: &str, sentence: String| {
        let origin = layers.entry(&path(leaf)).map_or(Origin::Default, |it| it.origin.clone());
        Problem::value(origin, &path(leaf), sentence)
    };
    let Some(limit) = text("limit_usd").and_then(MicroUsd::of_decimal) else {
        let there = LEAVES.into_iter().find(|leaf| text(leaf).is_some()).unwrap_or("limit_usd");
        return Err(wrong(there, format!("`{}` is needed beside it", path("limit_usd"))));
    };
    let action = text("action").and_then(BudgetAction::parse).unwrap_or(BudgetAction::Warn);
    let model = text("model").map(str::to_owned);
    if action == BudgetAction::Refuse && model.is_some() {
        let sentence = format!(
            "a request names its model in its body, which is not read before it is forwarded; take `{}` \
             out, or let the budget warn",
            path("model")
        );
        return Err(wrong("action", sentence));
    }
    let scope = text("scope").and_then(BudgetScope::parse).unwrap_or(BudgetScope::Day);
    if scope == BudgetScope::Session && model.is_some() {
        let sentence = format!(
            "a session is added up over all of its models; take `{}` out, or add up by day or month",
            path("model")
        );
        return Err(wrong("scope", sentence));
    }
    let project = text("project").and_then(Project::parse).map(|it| it.as_str().to_owned());
    if action == BudgetAction::Refuse && scope != BudgetScope::Session && project.is_some() {
        let sentence = format!(
            "most requests name their project in their body, which is not read before it is forwarded; take \
             `{}` out, add up by session, or let the budget warn",
            path("project")
        );
        return Err(wrong("action", sentence));
    }
    let agent = text("agent").map(str::to_owned);
    Ok(Budget { scope, limit, action, agent, model, project, name })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layers(values: &[(&str, Value)]) -> Layers {
        let mut layers = Layers::defaults();
        for (path, value) in values {
            layers.set(path, value, Origin::Flag("--test"));
        }
        assert_eq!(layers.problems(), []);
        layers
    }

    #[test]
    fn a_budget_needs_no_more_than_a_limit() {
        let read = read(&layers(&[
            ("budgets.daily.limit_usd", json!(5)),
            ("budgets.each.limit_usd", json!("0.5")),
            ("budgets.each.scope", json!("session")),
            ("budgets.each.action", json!("refuse")),
            ("budgets.each.agent", json!("codex")),
            ("budgets.each.project", json!("/w/a/")),
        ]))
        .unwrap();
        let told: Vec<_> = read
            .iter()
            .map(|it| (it.name.as_str(), it.limit.0, it.scope.as_str(), it.action.as_str()))
            .collect();
        assert_eq!(
            told,
            [("daily", 5_000_000, "day", "warn"), ("each", 500_000, "session", "refuse")]
        );
        assert_eq!(read[1].agent.as_deref(), Some("codex"));
        assert_eq!(read[1].project.as_deref(), Some("/w/a"));
    }

    #[test]
    fn what_cannot_be_kept_is_told_with_what_to_do() {
        let told = |values: &[(&str, Value)]| read(&layers(values)).unwrap_err().to_string();
        let told_of_limit = told(&[("budgets.daily.scope", json!("month"))]);
        assert!(told_of_limit.contains("`budgets.daily.limit_usd` is needed"), "{told_of_limit}");
        let told_of_model = told(&[
            ("budgets.m.limit_usd", json!(1)),
            ("budgets.m.model", json!("x")),
            ("budgets.m.action", json!("refuse")),
        ]);
        assert!(told_of_model.contains("let the budget warn"), "{told_of_model}");
        let told_of_project = told(&[
            ("budgets.m.limit_usd", json!(1)),
            ("budgets.m.project", json!("/w")),
            ("budgets.m.action", json!("refuse")),
        ]);
        assert!(told_of_project.contains("add up by session"), "{told_of_project}");
        let told_of_session = told(&[
            ("budgets.m.limit_usd", json!(1)),
            ("budgets.m.model", json!("x")),
            ("budgets.m.scope", json!("session")),
        ]);
        assert!(told_of_session.contains("add up by day or month"), "{told_of_session}");
        for (leaf, value) in
            [("limit_usd", json!("-1")), ("limit_usd", json!(0)), ("scope", json!("week"))]
        {
            let mut layers = Layers::defaults();
            layers.set(&format!("budgets.a.{leaf}"), &value, Origin::Flag("--test"));
            assert_eq!(layers.problems().len(), 1, "{leaf} {value}");
        }
    }
}
