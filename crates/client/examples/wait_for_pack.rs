//! Waits for a pack, tells how it goes, and reads from it: the program that the README shows.
#![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "a program for a terminal")]

use headstart::{DownloadStatusUpdate as Update, Error, blocking::AssetPackManager};

fn main() -> Result<(), Error> {
    let packs = AssetPackManager::connect()?; // starts the service if none runs
    let music = packs.asset_pack("music")?;
    let updates = packs.status_updates_for(music.id())?;
    std::thread::spawn(move || {
        for update in updates.flatten() {
            if let Update::Downloading(pack, progress) = update {
                println!("{}: {:.0} %", pack.id(), progress.fraction() * 100.0);
            }
        }
    });
    packs.ensure_local_availability(&music)?; // returns at once when it is here
    let theme = packs.contents("music/theme-00.wav")?; // mapped into memory
    println!("{} bytes of sound, the first are {:?}", theme.len(), &theme[..4]);
    Ok(())
}
