use super::*;

fn platform(folder: &Path) -> Environment {
    Environment {
        data_folder: Some(folder.join("share")),
        cache_folder: Some(folder.join("cache")),
        runtime_folder: Some(folder.join("runtime")),
        temporary_folder: Some(folder.join("tmp")),
        ..Environment::default()
    }
}

/// A temporary folder whose name has no links in it, as homes have none.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

#[test]
fn without_variables_everything_lies_in_the_platforms_folders() {
    let (_guard, folder) = folder();
    let home = Home::resolve(&platform(&folder)).unwrap();
    assert_eq!(home.root(), folder.join("share/headstart"));
    assert_eq!(home.cache_folder(), folder.join("cache/headstart"));
    let name = format!("runtime/headstart-{}/socket", home.fingerprint());
    assert_eq!(home.socket().path(), folder.join(name));
    assert_eq!(home.socket().origin(), SocketOrigin::Runtime);
    assert_eq!(home.fingerprint().len(), 16);
}

#[test]
fn a_home_that_is_given_holds_all_but_the_socket() {
    let (_guard, folder) = folder();
    let given = folder.join("device");
    let environment = Environment { home: Some(given.clone().into()), ..platform(&folder) };
    let home = Home::resolve(&environment).unwrap();
    assert_eq!(home.root(), given);
    assert_eq!(home.cache_folder(), given.join("cache"));
    assert!(home.config_folder().starts_with(&given));
    assert_eq!(home.socket().origin(), SocketOrigin::Runtime);
    let other = Home::at(folder.join("other")).unwrap();
    assert_ne!(home.fingerprint(), other.fingerprint());
}

#[test]
fn without_a_runtime_folder_the_socket_lies_in_the_home() {
    let (_guard, folder) = folder();
    let home = Home::at(folder.join("device")).unwrap();
    assert_eq!(home.socket().path(), folder.join("device/run/socket"));
    assert_eq!(home.socket().origin(), SocketOrigin::Home);
}

#[test]
fn empty_variables_count_as_not_set() {
    let (_guard, folder) = folder();
    let empty = Environment {
        home: Some(OsString::new()),
        socket: Some(OsString::new()),
        ..platform(&folder)
    };
    assert_eq!(Home::resolve(&empty).unwrap(), Home::resolve(&platform(&folder)).unwrap());
}

#[test]
fn without_any_data_folder_the_error_names_the_way_out() {
    let error = Home::resolve(&Environment::default()).unwrap_err();
    assert!(matches!(error, HomeError::NoDataFolder));
    assert!(error.to_string().contains(HOME_VARIABLE));
}

#[test]
fn a_home_is_the_same_before_and_after_it_is_made() {
    let (_guard, folder) = folder();
    let before = Home::at(folder.join("a/b")).unwrap();
    before.prepare().unwrap();
    assert_eq!(Home::at(folder.join("a/b")).unwrap(), before);
    assert!(before.root().is_dir() && before.cache_folder().is_dir());
}

#[test]
fn the_variables_lead_a_started_program_to_the_same_home_and_socket() {
    let (_guard, folder) = folder();
    let given = Environment { home: Some(folder.join("device").into()), ..platform(&folder) };
    let both = Environment { socket: Some(folder.join("s").into()), ..given.clone() };
    for (environment, names) in [(platform(&folder), 0), (given, 1), (both, 2)] {
        let home = Home::resolve(&environment).unwrap();
        let mut there = platform(&folder);
        for (name, value) in home.variables() {
            match name {
                HOME_VARIABLE => there.home = Some(value),
                SOCKET_VARIABLE => there.socket = Some(value),
                other => panic!("{other}"),
            }
        }
        assert_eq!(home.variables().len(), names);
        assert_eq!(Home::resolve(&there).unwrap(), home);
    }
}

#[test]
fn steps_back_within_what_does_not_exist_are_taken() {
    let (_guard, folder) = folder();
    let home = Home::at(folder.join("a/../../x/./b/c/..")).unwrap();
    assert_eq!(home.root(), folder.parent().unwrap().join("x/b"));
}

#[test]
fn a_given_socket_that_is_too_long_is_refused() {
    let (_guard, folder) = folder();
    let long = folder.join("x".repeat(120));
    let environment = Environment { socket: Some(long.clone().into()), ..platform(&folder) };
    let error = Home::resolve(&environment).unwrap_err();
    assert!(matches!(error, HomeError::SocketPathTooLong { path, .. } if path == long));
}

#[test]
fn a_derived_socket_that_would_be_too_long_goes_to_the_temporary_folder() {
    let (_guard, folder) = folder();
    let environment = Environment {
        home: Some(folder.join("x".repeat(120)).into()),
        runtime_folder: None,
        ..platform(&folder)
    };
    let home = Home::resolve(&environment).unwrap();
    assert_eq!(home.socket().origin(), SocketOrigin::Temporary);
    assert!(home.socket().path().starts_with(folder.join("tmp")));
    assert!(home.socket().path().to_str().unwrap().contains(home.fingerprint()));
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn two_names_of_one_home_lead_to_one_socket() {
        let (_guard, folder) = folder();
        fs::create_dir(folder.join("device")).unwrap();
        symlink(folder.join("device"), folder.join("link")).unwrap();
        let home = Home::at(folder.join("device")).unwrap();
        assert_eq!(Home::at(folder.join("link")).unwrap(), home);
        assert_eq!(Home::at(folder.join("link/")).unwrap(), home);
        assert_eq!(Home::at(folder.join("device/../device/.")).unwrap(), home);
    }

    #[test]
    fn home_and_socket_folder_are_for_the_owner_alone() {
        let (_guard, folder) = folder();
        let home = Home::at(folder.join("device")).unwrap();
        home.socket().check().unwrap();
        home.prepare().unwrap();
        home.socket().prepare().unwrap();
        home.socket().check().unwrap();
        assert_eq!(mode(home.root()), 0o700);
        assert_eq!(mode(&home.root().join("run")), 0o700);
    }

    #[test]
    fn a_socket_folder_that_others_can_enter_is_closed_to_them() {
        let (_guard, folder) = folder();
        let home = Home::at(&folder).unwrap();
        let run = folder.join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o777)).unwrap();
        home.socket().prepare().unwrap();
        assert_eq!(mode(&run), 0o700);
    }

    #[test]
    fn a_link_or_a_file_in_place_of_the_socket_folder_is_refused() {
        let (_guard, folder) = folder();
        let home = Home::at(folder.join("device")).unwrap();
        home.prepare().unwrap();
        let run = home.root().join("run");
        fs::create_dir(folder.join("elsewhere")).unwrap();
        symlink(folder.join("elsewhere"), &run).unwrap();
        for attempt in [home.socket().check(), home.socket().prepare()] {
            let error = attempt.unwrap_err();
            assert!(matches!(&error, HomeError::NotAFolder { path } if *path == run), "{error:?}");
        }
        fs::remove_file(&run).unwrap();
        fs::write(&run, "x").unwrap();
        assert!(matches!(home.socket().check(), Err(HomeError::NotAFolder { .. })));
    }

    #[test]
    fn a_socket_folder_of_somebody_else_is_refused() {
        let (_guard, folder) = folder();
        let (place, owner) = if rustix::process::geteuid().is_root() {
            fs::create_dir(folder.join("run")).unwrap();
            std::os::unix::fs::chown(folder.join("run"), Some(12_345), None).unwrap();
            (Home::at(&folder).unwrap(), 12_345)
        } else {
            // The system's own folder of that name.
            (Home::at("/").unwrap(), 0)
        };
        let error = place.socket().check().unwrap_err();
        assert!(
            matches!(error, HomeError::NotOurs { owner: uid, .. } if uid == owner),
            "{error:?}"
        );
        assert!(matches!(place.socket().prepare(), Err(HomeError::NotOurs { .. })));
    }

    #[test]
    fn only_a_runtime_folder_that_is_ours_alone_counts() {
        let (_guard, folder) = folder();
        let is_private = super::super::environment::is_private;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_private(&folder));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o775)).unwrap();
        assert!(!is_private(&folder));
        assert!(!is_private(&folder.join("missing")));
        assert!(!is_private(Path::new("/dev/null")));
    }
}
