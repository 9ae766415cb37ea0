//! The sessions that are played: what the person asks, and how each of them goes.

use std::time::Duration;

use super::agent::{Agent, Ask, Errand, Reading};
use crate::error::{AppError, Result};
use crate::proxied::{Road, RoadError};

/// How fast it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// To be watched.
    Human,
    /// To be done.
    Brisk,
}

impl Pace {
    /// Between two events of a stream.
    pub(crate) const fn between_events(self) -> Duration {
        Duration::from_millis(match self {
            Self::Human => 45,
            Self::Brisk => 1,
        })
    }

    /// Between an answer and the next request, while a tool runs.
    const fn between_turns(self) -> Duration {
        Duration::from_millis(match self {
            Self::Human => 1500,
            Self::Brisk => 1,
        })
    }
}

/// One session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Play {
    /// What the person asks for.
    prompt: &'static str,
    /// How it goes.
    course: Course,
}

#[derive(Clone, Copy, Debug)]
enum Course {
    /// A loop of tool calls by this script of the provider, until the model is done.
    ToolLoop(&'static str),
    /// A part of the job is given to a subagent, which looks around and reports.
    Delegated,
    /// A count of tokens, then one answer that is not streamed.
    Whole,
    /// The provider is overloaded, the agent tries again.
    Overloaded,
    /// The stream carries an error, the agent asks again without streaming.
    BreaksOff,
    /// The person cancels after some words.
    Cancelled,
}

/// Every session, in the order of the show.
pub(crate) const PLAYS: [Play; 8] = [
    Play {
        prompt: "Fix the header parser: values with a colon are cut.",
        course: Course::ToolLoop("refactor"),
    },
    Play { prompt: "By which rules are requests tried again?", course: Course::Delegated },
    Play { prompt: "What separates two server-sent events?", course: Course::ToolLoop("search") },
    Play { prompt: "Write a short note into this folder.", course: Course::ToolLoop("tool-loop") },
    Play { prompt: "Say hello.", course: Course::Whole },
    Play { prompt: "Is anybody there?", course: Course::Overloaded },
    Play { prompt: "Explain the retry rules.", course: Course::BreaksOff },
    Play { prompt: "Tell me a long story.", course: Course::Cancelled },
];

impl Play {
    /// Plays it; returns how many requests were sent.
    ///
    /// # Errors
    /// The road does not carry.
    pub(crate) async fn perform(&self, road: &Road, pace: Pace) -> Result<usize> {
        let mut agent = Agent::new(road.clone(), self.prompt);
        let played = self.course(&mut agent, pace).await;
        let others = played.map_err(|error| {
            AppError::failed("a session of the demo was cut short")
                .because(&error)
                .next("run `langley doctor`")
        })?;
        Ok(agent.requests() + others)
    }

    /// Returns how many requests others than `agent` sent.
    async fn course(&self, agent: &mut Agent, pace: Pace) -> Result<usize, RoadError> {
        match self.course {
            Course::ToolLoop(script) => {
                loops(agent, script, pace).await?;
            }
            Course::Delegated => {
                let ask = Ask::streamed("script=delegate");
                let answer = agent.ask(&ask, Reading::ToTheEnd).await?;
                let Some(errand) = Errand::of(&answer) else { return Ok(0) };
                let mut explorer = agent.send(&errand);
                let report = loops(&mut explorer, "explore", pace).await?;
                agent.take(answer, Some((&errand, &report)));
                tokio::time::sleep(pace.between_turns()).await;
                agent.ask(&ask, Reading::ToTheEnd).await?;
                return Ok(explorer.requests());
            }
            Course::Whole => {
                agent.count_tokens().await?;
                agent.ask(&Ask::whole("script=chat;gzip"), Reading::ToTheEnd).await?;
            }
            Course::Overloaded => {
                let ask = Ask::streamed("status=529;retry_after=1");
                agent.ask(&ask, Reading::ToTheEnd).await?;
                tokio::time::sleep(pace.between_turns()).await;
                agent.ask(&Ask::streamed("script=chat"), Reading::ToTheEnd).await?;
            }
            Course::BreaksOff => {
                agent.ask(&Ask::streamed("events=40;error_after=12"), Reading::ToTheEnd).await?;
                tokio::time::sleep(pace.between_turns()).await;
                agent.ask(&Ask::whole("script=chat"), Reading::ToTheEnd).await?;
            }
            Course::Cancelled => {
                let ask = Ask::streamed("events=2000;size=40");
                agent.ask(&ask, Reading::OfBytes(6000)).await?;
            }
        }
        Ok(0)
    }
}

/// Plays a script of tool calls until the model is done; returns its last words.
async fn loops(agent: &mut Agent, script: &str, pace: Pace) -> Result<String, RoadError> {
    const MOST_TURNS: usize = 12;
    let ask = Ask::streamed(&format!("script={script}"));
    let mut said = String::new();
    for _ in 0..MOST_TURNS {
        let answer = agent.ask(&ask, Reading::ToTheEnd).await?;
        said = answer.text();
        if !agent.take(answer, None) {
            break;
        }
        tokio::time::sleep(pace.between_turns()).await;
    }
    Ok(said)
}
