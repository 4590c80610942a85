//! How much the device wants to save.

/// Whether the person has the device save power: Low Power Mode. `Spec: concepts 9`.
///
/// On Linux what the platform says of its profile (`/sys/firmware/acpi/platform_profile`), which desktops set to `low-power`.
/// False where nothing says so, and on every other platform: there it was not written.
#[must_use]
pub fn is_low_power() -> bool {
    #[cfg(target_os = "linux")]
    {
        let profile = std::fs::read_to_string("/sys/firmware/acpi/platform_profile");
        profile.is_ok_and(|profile| profile.trim() == "low-power")
    }
    #[cfg(not(target_os = "linux"))]
    false
}
