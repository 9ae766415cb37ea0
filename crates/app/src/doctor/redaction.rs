//! Redaction: is all of it on, here and in the running server?

use serde_json::Value;

use super::InForce;
use super::check::Check;
use crate::config::Layers;
use crate::home::Home;
use crate::preflight::{REDACTION, weakened};

const NAME: &str = "redaction";

/// Looks at the configuration, at the running server's, and for bodies that are kept as they travelled.
pub(super) fn check(layers: &Layers, server: Option<&InForce>, home: &Home) -> Check {
    let mut said = weakened(layers);
    said.extend(server.into_iter().flat_map(|server| of_server(layers, server)));
    let raw = home.raw_bodies();
    let has_raw = home.holds_raw_bodies();
    if has_raw {
        said.push(format!("bodies are kept unredacted, keys included, in {}", raw.display()));
    }
    if said.is_empty() {
        return Check::passed(NAME, "every rule is on");
    }
    let mut check = Check::warned(NAME, said.join("\n"))
        .next("`langley audit redaction` searches what is stored with every rule");
    if said.len() > usize::from(has_raw) {
        check = check.next("take the setting out, then `langley stop` and start it again");
    }
    if has_raw {
        check = check.next("remove them once they are not needed: `langley db raw --remove-all`");
    }
    check
}

/// What is switched off in the server that runs, and not in this shell's configuration.
pub(crate) fn of_server(layers: &Layers, server: &InForce) -> Vec<String> {
    REDACTION
        .iter()
        .filter_map(|(key, follows)| {
            let (value, source) = server.value(key)?;
            let is_known = layers.value(key) == Some(&Value::Bool(false));
            (value == false && !is_known)
                .then(|| format!("the server that runs has `{key}` false ({source}), so {follows}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use langley_model::{FlowId, Side};
    use langley_store::{RawStore, remove_raw_bodies};
    use serde_json::json;

    use super::super::check::Verdict;
    use super::*;
    use crate::config::Origin;

    #[test]
    fn what_is_switched_off_is_named_with_its_key_here_and_in_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let mut layers = Layers::defaults();
        assert_eq!(check(&layers, None, &home).verdict, Verdict::Pass);
        let item =
            json!({ "key": "redaction.bodies.redact_api_keys", "value": false, "source": "file" });
        let server = InForce::told(json!({ "items": [item] }));
        let told = check(&layers, Some(&server), &home);
        assert_eq!(told.verdict, Verdict::Warn);
        assert!(
            told.to_string()
                .contains("the server that runs has `redaction.bodies.redact_api_keys`")
        );
        layers.set("redaction.bodies.redact_api_keys", &false.into(), Origin::Settings);
        let told = check(&layers, Some(&server), &home).to_string();
        assert_eq!(told.matches("redact_api_keys").count(), 1, "{told}");
    }

    #[test]
    fn unredacted_bodies_are_told_of_until_they_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let raw = RawStore::open(&home.raw_bodies()).unwrap();
        raw.piece(FlowId::new(), Side::Client, 0, "a secret".into());
        raw.close();
        let told = || check(&Layers::defaults(), None, &home);
        assert!(told().to_string().contains("--remove-all"), "{}", told());
        remove_raw_bodies(&home.raw_bodies()).unwrap();
        assert!(home.raw_bodies().exists());
        assert_eq!(told().verdict, Verdict::Pass);
    }
}
