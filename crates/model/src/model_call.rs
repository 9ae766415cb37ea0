//! Calls whose path names model and method, as Gemini's and Bedrock's do: said once, for those who
//! choose an upstream by it and those who read the answer.
//!
//! Formats: the public references of Gemini's `models.*` methods, of the same ones in Vertex AI, of
//! the code assist service that Gemini CLI speaks to, and of the Bedrock Runtime API.

use crate::dialect_name::DialectName;

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelMethod {
    /// Gemini: an answer.
    Generate,
    /// Gemini: an answer as a stream.
    StreamGenerate,
    /// Gemini: what a prompt would cost.
    CountTokens,
    /// Gemini: vectors.
    Embed,
    /// Bedrock: an answer in a form that all models share.
    Converse,
    /// Bedrock: the same as a stream.
    ConverseStream,
    /// Bedrock: an answer in the model's own form.
    Invoke,
    /// Bedrock: the same as a stream.
    InvokeStream,
}

impl ModelMethod {
    /// Whose method it is.
    #[must_use]
    pub const fn dialect(self) -> DialectName {
        match self {
            Self::Generate | Self::StreamGenerate | Self::CountTokens | Self::Embed => {
                DialectName::Gemini
            }
            Self::Converse | Self::ConverseStream | Self::Invoke | Self::InvokeStream => {
                DialectName::Bedrock
            }
        }
    }

    /// Whether it asks for a stream.
    #[must_use]
    pub const fn streams(self) -> bool {
        matches!(self, Self::StreamGenerate | Self::ConverseStream | Self::InvokeStream)
    }
}

/// A call, as its path names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelCall<'p> {
    /// The model as it stands in the path, percent escapes and all; one of Gemini's that is no plain
    /// model with its collection, as in `tunedModels/mine`. None where the body names it.
    pub model: Option<&'p str>,
    /// The method.
    pub method: ModelMethod,
}

impl<'p> ModelCall<'p> {
    /// Reads a path, whatever stands before its last part; a query and a trailing slash are ignored.
    #[must_use]
    pub fn of_path(path: &'p str) -> Option<Self> {
        let path = path.split(['?', '#']).next()?;
        let path = path.strip_suffix('/').unwrap_or(path);
        // A Bedrock model may itself have slashes and colons.
        match path.split_once("/model/") {
            Some((_, named)) => bedrock(named),
            None => gemini(path),
        }
    }
}

/// `{model}/{method}`.
fn bedrock(named: &str) -> Option<ModelCall<'_>> {
    let (model, method) = named.rsplit_once('/').filter(|(model, _)| !model.is_empty())?;
    let method = match method {
        "converse" => ModelMethod::Converse,
        "converse-stream" => ModelMethod::ConverseStream,
        "invoke" => ModelMethod::Invoke,
        "invoke-with-response-stream" => ModelMethod::InvokeStream,
        _ => return None,
    };
    Some(ModelCall { model: Some(model), method })
}

/// `…/models/{model}:{method}`, or `/v1internal:{method}` of code assist.
fn gemini(path: &str) -> Option<ModelCall<'_>> {
    let (resource, method) = path.rsplit_once(':')?;
    let method = match method {
        "generateContent" => ModelMethod::Generate,
        "streamGenerateContent" => ModelMethod::StreamGenerate,
        "countTokens" => ModelMethod::CountTokens,
        "embedContent" | "batchEmbedContents" => ModelMethod::Embed,
        _ => return None,
    };
    if resource.ends_with("/v1internal") {
        return (method != ModelMethod::Embed).then_some(ModelCall { model: None, method });
    }
    let model = resource.rsplit_once("/models/").map(|(_, model)| model).or_else(|| {
        let of = |collection| resource.rfind(collection).map(|at| &resource[at + 1..]);
        of("/tunedModels/").or_else(|| of("/endpoints/"))
    })?;
    let is_named = !model.is_empty() && !model.ends_with('/');
    is_named.then_some(ModelCall { model: Some(model), method })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_model_and_the_method() {
        let vertex = "/v1/projects/p/locations/l";
        for (path, model, method) in [
            ("/v1beta/models/m-2.5:generateContent", Some("m-2.5"), ModelMethod::Generate),
            ("/v1/models/m-2.5:countTokens", Some("m-2.5"), ModelMethod::CountTokens),
            (
                "/v1beta/models/m:streamGenerateContent?alt=sse&key=a:b",
                Some("m"),
                ModelMethod::StreamGenerate,
            ),
            ("/v1beta/models/text-1:embedContent", Some("text-1"), ModelMethod::Embed),
            ("/v1beta/models/text-1:batchEmbedContents", Some("text-1"), ModelMethod::Embed),
            (
                &format!("{vertex}/publishers/google/models/m:streamGenerateContent"),
                Some("m"),
                ModelMethod::StreamGenerate,
            ),
            (
                &format!("{vertex}/endpoints/12:generateContent"),
                Some("endpoints/12"),
                ModelMethod::Generate,
            ),
            (
                "/v1beta/tunedModels/mine:generateContent/",
                Some("tunedModels/mine"),
                ModelMethod::Generate,
            ),
            ("/v1internal:streamGenerateContent?alt=sse", None, ModelMethod::StreamGenerate),
            ("/gw/v1internal:countTokens", None, ModelMethod::CountTokens),
            (
                "/model/amazon.nova-pro-v1:0/converse",
                Some("amazon.nova-pro-v1:0"),
                ModelMethod::Converse,
            ),
            (
                "/model/a.b/converse-stream?x=/model/y/converse",
                Some("a.b"),
                ModelMethod::ConverseStream,
            ),
            ("/model/a.b-v1%3A0/invoke", Some("a.b-v1%3A0"), ModelMethod::Invoke),
            (
                "/gw/model/arn:aws:bedrock:us-east-1:1:x/abc/invoke-with-response-stream/",
                Some("arn:aws:bedrock:us-east-1:1:x/abc"),
                ModelMethod::InvokeStream,
            ),
        ] {
            assert_eq!(ModelCall::of_path(path), Some(ModelCall { model, method }), "{path}");
        }
        for path in [
            "",
            "/",
            ":generateContent",
            "/v1beta/models/m",
            "/models/:countTokens",
            "/v1internal:loadCodeAssist",
            "/v1internal:embedContent",
            "/model/converse",
            "/model//converse",
            "/model/m/async-invoke",
        ] {
            assert_eq!(ModelCall::of_path(path), None, "{path}");
        }
    }
}
