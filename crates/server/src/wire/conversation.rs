//! A conversation as JSON.

use langley_engine::{self as engine, ConversationThread};
use langley_store as store;
use langley_store::cursor;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::flow::Cost;
use super::page::rfc3339;
use super::word::LineRole;

/// A page of conversations, the one with the newest line first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationPage {
    /// The conversations.
    pub items: Vec<Conversation>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// A session as its agent's own files tell it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Conversation {
    /// The session's id.
    pub id: String,
    /// The agent.
    pub agent: String,
    /// The folder it began in.
    pub project: Option<String>,
    /// The branch of the repository there, as it was last.
    pub branch: Option<String>,
    /// The model of its newest answer.
    pub model: Option<String>,
    /// How the first prompt of a person begins.
    pub first_prompt: Option<String>,
    /// When its first line was written.
    pub first_at: String,
    /// When its newest line was written.
    pub last_at: String,
    /// Lines.
    pub lines: u64,
    /// Prompts of a person and responses of a provider.
    pub messages: u64,
    /// Prompts of a person.
    pub prompts: u64,
    /// Responses of a provider.
    pub responses: u64,
    /// Times it was compacted.
    pub compactions: u64,
    /// What the responses cost whose price is known; null where there are none.
    pub cost: Option<Cost>,
    /// Responses whose cost is not known.
    pub unpriced: u64,
}

/// A conversation with a page of its lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationDetail {
    /// What the listing tells of it.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// Who speaks: the session's own agent, and its subagents.
    pub lanes: Vec<ConversationLane>,
    /// Its branches: where a person went back and said something else, or an answer was asked for again.
    pub branches: Vec<ConversationBranch>,
    /// Lines in the order of time; with `content` fewer than `limit` where they are long (16 MiB together).
    pub items: Vec<ConversationLine>,
    /// Pass as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
    /// Whether lanes and branches tell of all lines; false of a conversation of more than 200,000, whose first lines they
    /// tell of.
    pub complete: bool,
}

/// What a deletion of a conversation came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedConversation {
    /// Lines that are gone.
    pub lines: u64,
    /// Responses that nothing tells of any more; what another conversation tells of too is that one's.
    pub responses: u64,
    /// Damaged blocks in which lines of other conversations lie as well: what can be read of them is still there.
    pub damaged: u64,
    /// Files of its agent that tell of it and were there when they were looked at last; the first hundred. They are not
    /// touched.
    pub files: Vec<String>,
}

impl From<store::DeletedConversation> for DeletedConversation {
    fn from(deleted: store::DeletedConversation) -> Self {
        let store::DeletedConversation { lines, responses, damaged, files } = deleted;
        Self { lines, responses, damaged, files }
    }
}

/// What a deletion of a conversation came to, as `DELETE /api/conversations/{id}` tells it.
///
/// # Errors
/// It cannot be written as JSON: a defect in a shape's derive.
pub fn deleted_conversation_json(deleted: store::DeletedConversation) -> serde_json::Result<Value> {
    serde_json::to_value(DeletedConversation::from(deleted))
}

/// Who speaks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ConversationLane {
    /// Its number; 0 is the session's own agent.
    pub number: u32,
    /// The subagent; null for the session's own, and for one that has no id.
    pub agent_id: Option<String>,
    /// Which kind of subagent, as its agent notes it beside the transcript; null where it does not, or that file is
    /// gone.
    pub agent_type: Option<String>,
    /// What it was begun for, in a few words, from the same place.
    pub description: Option<String>,
    /// How its first line begins: what it was asked. Null for the session's own.
    pub prompt: Option<String>,
    /// When its first line was written.
    pub first_at: String,
    /// When its newest line was written.
    pub last_at: String,
    /// Lines.
    pub lines: u64,
    /// Responses of a provider.
    pub responses: u64,
    /// What those cost whose price is known; null where there are none.
    pub cost: Option<Cost>,
}

/// A branch of a conversation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ConversationBranch {
    /// Its number. The one that goes on to the newest line is 0.
    pub number: u32,
    /// The branch that it left; null for the first.
    pub parent: Option<u32>,
    /// The line after which it left, by its id.
    pub from: Option<String>,
    /// When its first line was written.
    pub first_at: String,
    /// When its newest line was written.
    pub last_at: String,
    /// Lines.
    pub lines: u64,
}

/// A line of a conversation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ConversationLine {
    /// Its id, as the agent wrote it.
    pub uuid: Option<String>,
    /// The id of the line that it follows.
    pub parent: Option<String>,
    /// The id of the line that it follows across a compaction.
    pub logical_parent: Option<String>,
    /// The number of its branch; null of a line beyond the first 200,000.
    pub branch: Option<u32>,
    /// The number of its lane; null of such a line where it does not say whose it is.
    pub lane: Option<u32>,
    /// The part it plays.
    pub role: LineRole,
    /// Its type, as the agent names it.
    pub kind: String,
    /// The type within that type.
    pub subkind: Option<String>,
    /// When it was written; of a line without a time, that of the line before.
    pub at: String,
    /// The model that answered.
    pub model: Option<String>,
    /// The response that it is of.
    pub message_id: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The tools that it calls.
    pub tools: Vec<String>,
    /// How what it says begins.
    pub text: Option<String>,
    /// Where it was read.
    pub src: LineSource,
    /// The line as the agent wrote it, redacted: as JSON, or as a text where it is none. Null where it was not
    /// asked for, is damaged, or stands behind 16 MiB of other lines of the page: ask for fewer lines then.
    pub content: Option<Value>,
}

/// Where a line was read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LineSource {
    /// The file, as it is called now.
    pub path: String,
    /// The line's number in it when it was read, from 1.
    pub line: u64,
    /// Where it began.
    pub offset: u64,
    /// Bytes it had.
    pub bytes: u64,
}

impl From<&langley_store::ConversationPage> for ConversationPage {
    fn from(page: &langley_store::ConversationPage) -> Self {
        Self {
            items: page.items.iter().map(Into::into).collect(),
            next_cursor: page.next_cursor.clone(),
        }
    }
}

impl From<&langley_store::Conversation> for Conversation {
    fn from(it: &langley_store::Conversation) -> Self {
        Self {
            id: it.session.clone(),
            agent: it.agent.clone(),
            project: it.project.clone(),
            branch: it.branch.clone(),
            model: it.model.clone(),
            first_prompt: it.prompt.clone(),
            first_at: rfc3339(it.first_at),
            last_at: rfc3339(it.last_at),
            lines: it.records,
            messages: it.prompts + it.responses,
            prompts: it.prompts,
            responses: it.responses,
            compactions: it.compactions,
            cost: it.cost.map(Into::into),
            unpriced: it.unpriced,
        }
    }
}

impl From<&ConversationThread> for ConversationDetail {
    fn from(thread: &ConversationThread) -> Self {
        Self {
            conversation: (&thread.conversation).into(),
            lanes: thread.lanes.iter().map(Into::into).collect(),
            branches: thread.branches.iter().map(Into::into).collect(),
            items: thread.lines.iter().map(Into::into).collect(),
            next_cursor: thread.next.map(|next| cursor(next.into())),
            complete: thread.is_whole,
        }
    }
}

impl From<&engine::Lane> for ConversationLane {
    fn from(lane: &engine::Lane) -> Self {
        Self {
            number: lane.number,
            agent_id: lane.agent_id.clone(),
            agent_type: lane.agent_type.clone(),
            description: lane.description.clone(),
            prompt: lane.prompt.clone(),
            first_at: rfc3339(lane.first_at),
            last_at: rfc3339(lane.last_at),
            lines: lane.lines,
            responses: lane.responses,
            cost: lane.cost.map(Into::into),
        }
    }
}

impl From<&engine::Branch> for ConversationBranch {
    fn from(branch: &engine::Branch) -> Self {
        Self {
            number: branch.number,
            parent: branch.parent,
            from: branch.from.clone(),
            first_at: rfc3339(branch.first_at),
            last_at: rfc3339(branch.last_at),
            lines: branch.lines,
        }
    }
}

impl From<&engine::ShownLine> for ConversationLine {
    fn from(shown: &engine::ShownLine) -> Self {
        let (line, facts) = (&shown.line, &shown.line.facts);
        let tools = facts.tools.as_deref().unwrap_or_default().split(',');
        let content = line.content.as_deref().map(|content| {
            let text = || Value::String(String::from_utf8_lossy(content).into_owned());
            serde_json::from_slice(content).unwrap_or_else(|_| text())
        });
        Self {
            uuid: facts.uuid.clone(),
            parent: facts.parent.clone(),
            logical_parent: facts.logical_parent.clone(),
            branch: shown.branch,
            lane: shown.lane,
            role: facts.role.into(),
            kind: facts.kind.clone(),
            subkind: facts.subkind.clone(),
            at: rfc3339(facts.at.unwrap_or_default()),
            model: facts.model.clone(),
            message_id: facts.message_id.clone(),
            request_id: facts.request_id.clone(),
            tools: tools.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            text: facts.text.clone(),
            src: LineSource {
                path: line.path.clone(),
                line: line.number,
                offset: line.offset,
                bytes: line.len,
            },
            content,
        }
    }
}

/// Conversations as `GET /api/conversations` tells them.
///
/// # Errors
/// They cannot be written as JSON: a defect in a shape's derive.
pub fn conversations_json(page: &langley_store::ConversationPage) -> serde_json::Result<Value> {
    serde_json::to_value(ConversationPage::from(page))
}

/// A conversation as `GET /api/conversations/{id}` tells it.
///
/// # Errors
/// It cannot be written as JSON: a defect in a shape's derive.
pub fn conversation_json(thread: &ConversationThread) -> serde_json::Result<Value> {
    serde_json::to_value(ConversationDetail::from(thread))
}
