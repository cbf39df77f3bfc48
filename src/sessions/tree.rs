//! A conversation as a tree. Each message names the one that it follows, the first ones name the
//! session; those that follow the same one are siblings: the answers to one question, or a question
//! and what it was changed to. Reads records and changes none.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::session::Message;

/// What follows what in a session.
pub(super) struct Tree {
    session: Uuid,
    parents: HashMap<Uuid, Uuid>,
    /// What follows each message, oldest first.
    children: HashMap<Uuid, Vec<Uuid>>,
    last: Option<Uuid>,
}

impl Tree {
    /// The tree of all messages of a session, given oldest first. One that names no other, as none
    /// did once, follows the one before it.
    pub(super) fn new(session: Uuid, messages: &[Message]) -> Self {
        let mut tree = Self { session, parents: HashMap::new(), children: HashMap::new(), last: None };
        for message in messages {
            let parent = message.parent_id.or(tree.last).unwrap_or(session);
            tree.parents.insert(message.id, parent);
            tree.children.entry(parent).or_default().push(message.id);
            tree.last = Some(message.id);
        }
        tree
    }

    /// What a message follows.
    pub(super) fn parent(&self, message: Uuid) -> Option<Uuid> {
        self.parents.get(&message).copied()
    }

    /// The messages that follow the same one, this one among them, oldest first.
    pub(super) fn siblings(&self, message: Uuid) -> &[Uuid] {
        let parent = self.parents.get(&message);
        parent.and_then(|parent| self.children.get(parent)).map_or(&[], Vec::as_slice)
    }

    /// The end of the branch that goes through a message: of what follows, always the newest.
    pub(super) fn end(&self, message: Uuid) -> Uuid {
        let mut end = message;
        while let Some(next) = self.children.get(&end).and_then(|children| children.last()) {
            end = *next;
        }
        end
    }

    /// The branch that ends with this message, or with the newest one.
    pub(super) fn branch(&self, end: Option<Uuid>) -> HashSet<Uuid> {
        let mut branch = HashSet::new();
        let mut next = end.or(self.last);
        while let Some(message) = next.filter(|message| *message != self.session && branch.insert(*message)) {
            next = self.parent(message);
        }
        branch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Role;

    fn message(id: u128, parent: Option<u128>) -> Message {
        let role = if id % 2 == 1 { Role::User } else { Role::Assistant };
        let parent_id = parent.map(Uuid::from_u128);
        Message {
            parent_id,
            ..Message::new(Uuid::from_u128(id), role, String::new(), jiff::Timestamp::UNIX_EPOCH)
        }
    }

    fn ids(ids: &[u128]) -> Vec<Uuid> {
        ids.iter().copied().map(Uuid::from_u128).collect()
    }

    #[test]
    fn messages_without_links_are_a_straight_line() {
        let messages = [
            message(1, None),
            message(2, Some(1)),
            message(3, None),
            message(4, Some(3)),
            message(5, Some(4)),
        ];
        let tree = Tree::new(Uuid::from_u128(100), &messages);
        assert_eq!(tree.parent(Uuid::from_u128(1)), Some(Uuid::from_u128(100)));
        assert_eq!(tree.parent(Uuid::from_u128(3)), Some(Uuid::from_u128(2)));
        assert_eq!(tree.branch(None).len(), 5);
        assert_eq!(tree.end(Uuid::from_u128(1)), Uuid::from_u128(5));
    }

    #[test]
    fn a_branch_holds_no_sibling_of_what_is_on_it() {
        let messages = [
            message(1, Some(100)),
            message(2, Some(1)),
            message(3, Some(2)),
            message(4, Some(3)),
            message(6, Some(1)),
            message(7, Some(100)),
            message(8, Some(7)),
        ];
        let tree = Tree::new(Uuid::from_u128(100), &messages);
        assert_eq!(tree.siblings(Uuid::from_u128(2)), ids(&[2, 6]));
        assert_eq!(tree.siblings(Uuid::from_u128(7)), ids(&[1, 7]));
        assert_eq!(
            tree.end(Uuid::from_u128(1)),
            Uuid::from_u128(6),
            "the newest answer, not the longest branch"
        );
        assert_eq!(tree.end(Uuid::from_u128(2)), Uuid::from_u128(4));
        let mut branch: Vec<Uuid> = tree.branch(Some(Uuid::from_u128(4))).into_iter().collect();
        branch.sort_unstable();
        assert_eq!(branch, ids(&[1, 2, 3, 4]));
    }
}
