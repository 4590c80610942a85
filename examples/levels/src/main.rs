//! The game: lists the levels that are there, and fetches the one that a person wants to play now.
#![expect(clippy::print_stdout, reason = "a program in the terminal")]

use headstart::blocking::DownloadManager;
use headstart::downloads::DownloadEvent;
use headstart_example_levels::kept_in;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let downloads = DownloadManager::connect()?;
    match std::env::args().nth(1) {
        None => list(&downloads),
        Some(level) => play(&downloads, &level),
    }
}

fn list(downloads: &DownloadManager) -> Result<(), Box<dyn std::error::Error>> {
    let kept = kept_in(downloads);
    if let Ok(levels) = std::fs::read_dir(&kept) {
        for level in levels {
            println!("here     {}", level?.file_name().to_string_lossy());
        }
    }
    for download in downloads.current_downloads()? {
        println!("on its way {}", download.identifier());
    }
    Ok(())
}

/// Waits for a level that is on its way, before everything that nobody waits for.
fn play(downloads: &DownloadManager, level: &str) -> Result<(), Box<dyn std::error::Error>> {
    let path = kept_in(downloads).join(level);
    // Whoever listens hears how every download of the game ends; until then the extension does.
    let events = downloads.events()?;
    let control = downloads.exclusive_control(None)?;
    let current = downloads.current_downloads()?;
    let wanted = current.iter().find(|download| download.identifier() == level);
    if let Some(wanted) = wanted {
        downloads.start_foreground(wanted)?;
    }
    drop(control);
    if path.exists() || wanted.is_none() {
        println!("playing {level}, {} bytes", std::fs::metadata(&path)?.len());
        return Ok(());
    }
    for event in events {
        match event? {
            DownloadEvent::Finished(finished) => {
                let name = finished.download().identifier().to_owned();
                std::fs::create_dir_all(kept_in(downloads))?;
                finished.file().move_to(&kept_in(downloads).join(&name))?;
                finished.acknowledge_blocking()?;
                if name == level {
                    println!("playing {level}, {} bytes", std::fs::metadata(&path)?.len());
                    return Ok(());
                }
            }
            DownloadEvent::Failed(failed) => {
                let (name, error) =
                    (failed.download().identifier().to_owned(), failed.error().to_string());
                failed.acknowledge_blocking()?;
                if name == level {
                    return Err(error.into());
                }
            }
            _ => {}
        }
    }
    Ok(())
}
