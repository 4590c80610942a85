//! The other tools, as tables of the very commands that the page shows.
//!
//! A command runs in the folder of the input. `$OLD` and `$NEW` are tars, `$OLD_DIR` and `$NEW_DIR` the same as folders, `$OUT` is an
//! empty folder for the result; `$OLDER` are the folders of all versions before, oldest first.

/// A tool that makes one file for each pair of versions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pairwise {
    pub(crate) name: &'static str,
    pub(crate) make: &'static str,
    pub(crate) apply: &'static str,
    pub(crate) version: &'static str,
    /// Bytes of memory for each byte of the old version, where that is what decides whether it can be run.
    pub(crate) memory_factor: u64,
}

pub(crate) const PATCH_3: &str = "zstd -3 --patch-from";
pub(crate) const PATCH_19: &str = "zstd -19 --patch-from";
const APPLY_ZSTD: &str = "zstd -q -d --long=31 --patch-from=$OLD -c $PATCH | tar -x -C $OUT";
const ZSTD: &str = "zstd --version";

pub(crate) const PAIRWISE: [Pairwise; 4] = [
    Pairwise {
        name: PATCH_3,
        make: "zstd -q -3 --long=31 --patch-from=$OLD $NEW -o $PATCH",
        apply: APPLY_ZSTD,
        version: ZSTD,
        memory_factor: 1,
    },
    Pairwise {
        name: PATCH_19,
        make: "zstd -q -19 --long=31 --patch-from=$OLD $NEW -o $PATCH",
        apply: APPLY_ZSTD,
        version: ZSTD,
        memory_factor: 1,
    },
    Pairwise {
        name: "xdelta3",
        make: "xdelta3 -q -e -9 -S lzma -B 2147483648 -W 16777216 -s $OLD $NEW $PATCH",
        apply: "xdelta3 -q -d -c -B 2147483648 -s $OLD $PATCH | tar -x -C $OUT",
        version: "xdelta3 -V 2>&1",
        memory_factor: 3,
    },
    Pairwise {
        name: "bsdiff",
        make: "bsdiff $OLD $NEW $PATCH",
        apply: "bspatch $OLD $OUT.tar $PATCH && tar -x -f $OUT.tar -C $OUT",
        version: "dpkg-query -W bsdiff",
        memory_factor: 17,
    },
];

/// Memory that a pairwise tool may take for its old version, by its own formula.
pub(crate) const MEMORY_MAX_BYTES: u64 = 8 << 30;

/// A tool that makes one file with everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    pub(crate) name: &'static str,
    pub(crate) make: &'static str,
}

pub(crate) const LONG_3: &str = "tar+zstd -3 --long=27";
pub(crate) const LONG_19: &str = "tar+zstd -19 --long=27";
pub(crate) const TWO_THREADS: &str = "tar+zstd -3 -T2";

/// `tar c $NEW_DIR`, as in [`super::input::TAR`].
macro_rules! tarred {
    ($zstd:literal) => {
        concat!(
            "tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C $NEW_DIR -cf - . | zstd -q ",
            $zstd,
            " -o $PATCH"
        )
    };
}

pub(crate) const WHOLE: [Whole; 5] = [
    Whole { name: TWO_THREADS, make: tarred!("-3 -T2") },
    Whole { name: "tar+zstd -3", make: tarred!("-3") },
    Whole { name: LONG_3, make: tarred!("-3 --long=27") },
    Whole { name: "tar+zstd -19", make: tarred!("-19") },
    Whole { name: LONG_19, make: tarred!("-19 --long=27") },
];
pub(crate) const APPLY_WHOLE: &str = "zstd -q -d --long=27 -c $PATCH | tar -x -C $OUT";

/// Whether something that no version equals may serve as the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seed {
    Any,
    /// Only a version that was published.
    Published,
}

/// A tool that fetches from a server whatever a device lacks; `$SERVED` is the folder that is served at `$URL`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) name: &'static str,
    pub(crate) make: &'static str,
    pub(crate) install: Option<&'static str>,
    /// What a device did earlier: not measured.
    pub(crate) hold: &'static str,
    pub(crate) update: &'static str,
    pub(crate) version: &'static str,
    pub(crate) seed: Seed,
}

pub(crate) const CASYNC: &str = "casync";
/// Every tool whose name begins so is the same tool at another setting.
pub(crate) const BITA: &str = "bita";

/// bita 0.15.0 does not wait until its last chunk is written before it copies the file that it lies in, and so leaves it out now
/// and then: done again until the archive is as long as it says. `--verify-output` waits at the device's end.
macro_rules! bita_compress {
    ($how:literal) => {
        concat!(
            "for try in 1 2 3 4 5 6 7 8 9; do bita compress -f ",
            $how,
            "-i $NEW $SERVED/new.cba >$SERVED/said 2>&1; \
             grep -q \"Archive size.*($(stat -c %s $SERVED/new.cba) bytes)\" $SERVED/said && break; done; rm $SERVED/said"
        )
    };
}

pub(crate) const SERVED: [Served; 6] = [
    Served {
        name: CASYNC,
        make: "casync make $SERVED/new.caidx $NEW_DIR",
        install: Some("casync extract --seed-output=no ${URL}new.caidx $OUT"),
        hold: "",
        update: "casync extract --seed-output=no --seed=$OLD_DIR ${URL}new.caidx $OUT",
        version: "casync --version",
        seed: Seed::Any,
    },
    Served {
        name: "bita (brotli 6)",
        make: bita_compress!(""),
        install: Some(
            "bita clone --verify-output ${URL}new.cba $OUT.tar && tar -x -f $OUT.tar -C $OUT",
        ),
        hold: "",
        update: "bita clone --verify-output --seed $OLD ${URL}new.cba $OUT.tar && tar -x -f $OUT.tar -C $OUT",
        version: "bita --version",
        seed: Seed::Any,
    },
    Served {
        name: "bita (zstd 19)",
        make: bita_compress!("--compression zstd --compression-level 19 "),
        install: Some(
            "bita clone --verify-output ${URL}new.cba $OUT.tar && tar -x -f $OUT.tar -C $OUT",
        ),
        hold: "",
        update: "bita clone --verify-output --seed $OLD ${URL}new.cba $OUT.tar && tar -x -f $OUT.tar -C $OUT",
        version: "bita --version",
        seed: Seed::Any,
    },
    Served {
        name: "zsync (tar)",
        make: "cp $NEW $SERVED/new.tar && cd $SERVED && zsyncmake -u new.tar -o new.zsync new.tar",
        install: None,
        hold: "",
        update: "timeout 1800 zsync -q -i $OLD -o $OUT.tar ${URL}new.zsync && tar -x -f $OUT.tar -C $OUT",
        version: "zsync -V | sed -n 1p",
        seed: Seed::Any,
    },
    Served {
        name: "zsync (tar.gz)",
        make: "cp $NEW $SERVED/new.tar && cd $SERVED && zsyncmake -z -C -u new.tar.gz -o new.zsync new.tar && rm new.tar",
        install: None,
        hold: "",
        update: "timeout 1800 zsync -q -i $OLD -o $OUT.tar ${URL}new.zsync && tar -x -f $OUT.tar -C $OUT",
        version: "zsync -V | sed -n 1p",
        seed: Seed::Any,
    },
    Served {
        name: "ostree",
        make: "ostree --repo=$SERVED/repo init --mode=archive; for dir in $OLDER $NEW_DIR; do \
            ostree --repo=$SERVED/repo commit -b main --tree=dir=$dir --owner-uid=0 --owner-gid=0 --no-xattrs --timestamp=@0; done; \
            for parent in $PARENTS; do ostree --repo=$SERVED/repo static-delta generate --inline --min-fallback-size=0 \
            --from=$parent --to=main --filename=$SERVED/$(ostree --repo=$SERVED/repo rev-parse $parent).delta; done; \
            ostree --repo=$SERVED/repo static-delta generate --inline --min-fallback-size=0 --empty --to=main \
            --filename=$SERVED/all.delta; ostree --repo=$SERVED/repo rev-parse main > $SERVED/main",
        install: Some(
            "ostree --repo=$OUT.repo init --mode=bare-user; curl -sf -o $OUT.main ${URL}main; curl -sf -o $OUT.delta ${URL}all.delta; \
             ostree --repo=$OUT.repo static-delta apply-offline $OUT.delta; ostree --repo=$OUT.repo checkout -U --union $(cat $OUT.main) $OUT",
        ),
        hold: "ostree --repo=$OUT.repo init --mode=bare-user; \
            ostree --repo=$SERVED/repo rev-parse $PARENT > $OUT.held; ostree --repo=$OUT.repo pull-local $SERVED/repo $(cat $OUT.held)",
        update: "curl -sf -o $OUT.main ${URL}main; curl -sf -o $OUT.delta ${URL}$(cat $OUT.held).delta; \
            ostree --repo=$OUT.repo static-delta apply-offline $OUT.delta; ostree --repo=$OUT.repo checkout -U --union $(cat $OUT.main) $OUT",
        version: "ostree --version | sed -n \"s/.*Version: '\\(.*\\)'/\\1/p\"",
        seed: Seed::Published,
    },
];

pub(crate) const RSYNC: &str = "rsync";
/// Sends to a folder that holds the old version, over a pipe; `--checksum` because all times are equal.
pub(crate) const RSYNC_UPDATE: &str =
    "rsync -r --checksum --no-whole-file --delete -z --zc=zstd --zl=19 --stats $NEW_DIR/ $OUT/";
pub(crate) const RSYNC_VERSION: &str = "rsync --version | sed -n 1p";

/// The names of all of them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let whole = WHOLE.iter().map(|tool| tool.name);
    let pairwise = PAIRWISE.iter().map(|tool| tool.name);
    let served = SERVED.iter().map(|tool| tool.name);
    whole.chain(pairwise).chain([RSYNC]).chain(served)
}
