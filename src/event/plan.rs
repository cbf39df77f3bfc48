//! What a deep research will look into, and a reader's word on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a deep research will look into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// What was asked, made to stand alone.
    pub question: String,
    /// The questions, in the order of the report.
    pub questions: Vec<SubQuestion>,
    /// What it will cost at most.
    pub estimate: Estimate,
    /// Whether the research waits for the reader's consent.
    pub awaiting_approval: bool,
}

/// One question of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubQuestion {
    /// Names it within the answer.
    pub id: u32,
    /// What is looked for.
    pub text: String,
    /// What it is good for.
    pub why: String,
    /// The look for gaps that brought it up; 0 for what was planned or the reader has added.
    #[serde(default)]
    pub round: u32,
    /// The question that what is found to this one helps to answer, if it has no section of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<u32>,
}

/// A reader's word on a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlanChange {
    /// Whether a plan that waits for consent is carried out; without it, a change counts as consent.
    pub approve: Option<bool>,
    /// The whole list of questions as it shall be: one with a known `id` stays, with its text if it
    /// has a new one; one without is added; one that is missing is dropped.
    pub questions: Option<Vec<ChangedQuestion>>,
}

/// A question of a changed plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangedQuestion {
    /// The question of the plan it stands for; a new one if absent.
    pub id: Option<u32>,
    /// What is looked for; as it was if absent.
    pub text: Option<String>,
    /// What it is good for.
    pub why: Option<String>,
}

/// What a plan will cost, as far as can be told before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Calls to a model.
    pub calls: u32,
    /// Tokens read and written.
    pub tokens: u64,
    /// Seconds.
    pub seconds: u64,
}
