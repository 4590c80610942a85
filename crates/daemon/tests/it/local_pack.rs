//! A device with an app that has one pack, which is local.

use headstart::Require;
use jiff::Timestamp;

use crate::device::{Device, Service};
use crate::publisher::{Policy, Publisher, Web};

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) publisher: Publisher,
    pub(crate) web: Web,
    pub(crate) device: Device,
    pub(crate) service: Service,
}

/// With the first version of the pack `music`.
pub(crate) fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    let archive = publisher.pack("music", Policy::OnDemand, 1);
    publisher.publish(&[archive], Timestamp::now());
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    device.ensure(&["music"], Require::AnyVersion).unwrap();
    World { folder, publisher, web, device, service }
}
