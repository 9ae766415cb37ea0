//! What a call's path says: `…/models/{model}:{method}`.

/// A call, as its path names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call<'p> {
    /// The model; one that is no plain model with its collection, as in `tunedModels/mine`.
    pub(super) model: &'p str,
    /// Whether a stream is asked for.
    pub(super) streams: bool,
}

/// Whether a path (query and trailing slash excluded) is that of a call that is decoded here.
pub(crate) fn is_call(path: &str) -> bool {
    call(path).is_some()
}

/// Reads a path; a query is ignored.
pub(super) fn call(path: &str) -> Option<Call<'_>> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (resource, method) = path.strip_suffix('/').unwrap_or(path).rsplit_once(':')?;
    let streams = match method {
        "generateContent" | "countTokens" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    let model = resource.rsplit_once("/models/").map(|(_, model)| model).or_else(|| {
        let of = |collection| resource.rfind(collection).map(|at| &resource[at + 1..]);
        of("/tunedModels/").or_else(|| of("/endpoints/"))
    })?;
    (!model.is_empty() && !model.ends_with('/')).then_some(Call { model, streams })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_model_and_whether_a_stream_is_asked_for() {
        let vertex = "/v1/projects/p/locations/l";
        for (path, model, streams) in [
            ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro", false),
            ("/v1/models/gemini-2.5-pro:countTokens", "gemini-2.5-pro", false),
            ("/v1beta/models/m:streamGenerateContent?alt=sse&key=a:b", "m", true),
            (&format!("{vertex}/publishers/google/models/m:streamGenerateContent"), "m", true),
            (&format!("{vertex}/endpoints/12:generateContent"), "endpoints/12", false),
            ("/v1beta/tunedModels/mine:generateContent/", "tunedModels/mine", false),
        ] {
            assert_eq!(call(path), Some(Call { model, streams }), "{path}");
        }
        for path in ["", "/", ":generateContent", "/v1beta/models/m", "/models/:countTokens"] {
            assert_eq!(call(path), None, "{path}");
        }
    }
}
