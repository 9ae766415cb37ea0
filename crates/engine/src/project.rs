//! Which project a request belongs to: what its header says, else the folder that the agent tells the model, else
//! what the session said before.

use langley_model::{Attributed, Control, Flow, HeaderBlock, PROJECT_HEADER, Project};

use crate::inference_key::InferenceKey;
use crate::recent::Recent;
use crate::turns::Digester;

/// Sessions whose project is remembered.
const SESSIONS: usize = 4_096;

/// Where a project was read, and the words that are stored for it.
const HEADER: &str = "header:x-langley-project";
const FOLDER: &str = "body:folder";
const SESSION: &str = "session";

/// The projects of sessions: an agent does not tell its folder with every call.
#[derive(Debug)]
pub(crate) struct Projects {
    known: Recent<String>,
    digester: Digester,
}

impl Projects {
    /// What an earlier run has recorded, the newest flow first.
    pub(crate) fn new(key: InferenceKey, known: &[Flow]) -> Self {
        let mut projects = Self { known: Recent::new(SESSIONS), digester: Digester::new(key) };
        for flow in known.iter().rev() {
            if let (Some(session), Some(project)) = (&flow.session, &flow.project) {
                let key = projects.key(&session.id);
                projects.known.put(key, project.id.clone());
            }
        }
        projects
    }

    /// Gives a flow its project, of which its body says `folder`; its session is known.
    pub(crate) fn tell(&mut self, flow: &mut Flow, folder: Option<&str>) {
        if flow.project.is_none() {
            let stated = folder.and_then(Project::parse);
            flow.project = stated.map(|project| attributed(&project, FOLDER));
        }
        let Some(session) = &flow.session else { return };
        let key = self.key(&session.id);
        match &flow.project {
            Some(project) => self.known.put(key, project.id.clone()),
            None => {
                let known = self.known.get(key);
                flow.project = known.map(|id| Attributed { id: id.clone(), source: SESSION });
            }
        }
    }

    fn key(&self, session: &str) -> u64 {
        self.digester.digest(b"project", &[session])
    }
}

/// The project that the head of a request names.
pub(crate) fn of_head(control: &Control, headers: &HeaderBlock) -> Option<Attributed> {
    let value = control.project.as_deref().or_else(|| headers.value(PROJECT_HEADER))?;
    Some(attributed(&Project::of_header(value)?, HEADER))
}

fn attributed(project: &Project, source: &'static str) -> Attributed {
    Attributed { id: project.as_str().to_owned(), source }
}
