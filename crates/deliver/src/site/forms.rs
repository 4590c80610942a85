//! Opened forms that a delivery makes again to read chunks from them.

use std::collections::BTreeMap;

use headstart_pack::plan::Choice;
use headstart_pack::{Node, Place, Places};
use headstart_store::{FORMS_MAX, FormBytes};

use super::Site;
use crate::route::{Reusable, index};

/// Entries whose forms are made, with their bytes, of one thing that has them.
type Forms = BTreeMap<u32, u64>;

impl Site {
    /// What they take on disk when `held` is taken over and the blocks of `choice` are opened. `whole` has something for each entry that
    /// is had whole, and of which no chunk is read for itself.
    pub(crate) fn forms(
        &self,
        held: &[Reusable],
        whole: &[Option<u64>],
        choice: &Choice,
    ) -> FormBytes {
        if held.iter().all(|reusable| reusable.held.complete().tree().opened_bytes() == 0) {
            return FormBytes::default();
        }
        let places = Places::of(&self.route.tree);
        let is_whole = |place: &Place| whole.get(index(place.entry)).is_some_and(Option::is_some);
        let mut forms = vec![Forms::new(); held.len()];
        let mut here = self.assembly.held().clone();
        for (number, (reusable, forms)) in held.iter().zip(&mut forms).enumerate() {
            for (chunk, old) in (0..).zip(self.route.same(number)) {
                let Some(old) = old else { continue };
                if here.insert(chunk) && !places.of_chunk(chunk).iter().all(is_whole) {
                    forms.extend(reusable.held.form_of(old));
                }
            }
        }
        // Of files that are had whole.
        let mut own = Forms::new();
        for piece in self.bases_of(choice) {
            if let Some(chunk) = self.first.get(index(piece)).copied().flatten() {
                let first = places.of_chunk(chunk).first().filter(|place| is_whole(place));
                own.extend(first.and_then(|place| self.form_of(place.entry)));
            } else if !self.laid_aside.contains_key(&piece) {
                let mut homes = self.route.homes.iter().zip(held).zip(&mut forms);
                let found = homes.find_map(|((home, reusable), forms)| {
                    let chunk = home.get(index(piece)).copied().flatten()?;
                    Some((chunk, reusable, forms))
                });
                if let Some((chunk, reusable, forms)) = found {
                    forms.extend(reusable.held.form_of(chunk));
                }
            }
        }
        forms.iter().chain([&own]).map(bytes_of).sum()
    }

    /// The pieces that the blocks of `choice` are based on.
    fn bases_of(&self, choice: &Choice) -> impl Iterator<Item = u32> {
        let opened = choice.opened.iter().enumerate();
        let opened = opened.flat_map(|(source, blocks)| blocks.iter().map(move |n| (source, *n)));
        let fetched = choice.fetches.iter().enumerate().flat_map(|(source, fetch)| {
            fetch.blocks.iter().map(move |block| (source, block.number))
        });
        opened.chain(fetched).flat_map(|key| self.base_pieces(key)).flatten()
    }

    fn form_of(&self, entry: u32) -> Option<(u32, u64)> {
        match &self.route.tree.entries().get(index(entry))?.node {
            Node::File(file) if file.opened.is_some() => {
                Some((entry, self.route.tree.chunked_bytes(file)))
            }
            _ => None,
        }
    }
}

/// The largest are there at the same time.
fn bytes_of(forms: &Forms) -> FormBytes {
    let mut bytes: Vec<u64> = forms.values().copied().collect();
    bytes.sort_unstable_by(|a, b| b.cmp(a));
    let peak = bytes.iter().take(FORMS_MAX).sum();
    FormBytes { written: bytes.iter().sum(), peak }
}
