//! Builds the MiniAV shared library.
//!
//!     zig build                   the host, or -Dtarget=..., into <prefix>/<os>-<cpu>[-musl]/
//!     zig build all               every platform that is shipped
//!
//! Sources are found, not listed: a `linux`, `windows`, `macos` or `posix` folder on the way to a
//! file ties it to those systems. `scripts/build.ts` fetches what this needs and calls it.

const std = @import("std");

const source_root = "lib/miniav_c/src";

/// What is shipped. glibc 2.28 is the oldest that current long-term distributions still have.
const shipped = [_][]const u8{
    "x86_64-linux-gnu.2.28",
    "aarch64-linux-gnu.2.28",
    "x86_64-linux-musl",
    "aarch64-linux-musl",
    "x86_64-windows-gnu",
    "aarch64-windows-gnu",
    "x86_64-macos",
    "aarch64-macos",
};

const warnings = [_][]const u8{
    "-std=c11",   "-Wall",               "-Wextra",
    "-Wpedantic", "-Wconversion",        "-Wshadow",
    "-Werror",    "-fvisibility=hidden", "-fno-strict-aliasing",
};

/// For the one file that is miniaudio's own code.
const vendored = [_][]const u8{ "-std=c11", "-w", "-fvisibility=hidden", "-fno-strict-aliasing" };

/// A library that is opened at run time: its backends exist where its headers do.
const Optional = struct {
    option: []const u8,
    macro: []const u8,
    /// Relative to the headers folder; found means that the rest is there too.
    probe: []const u8,
    include: []const []const u8,
};

const optional_libraries = [_]Optional{
    .{
        .option = "pipewire",
        .macro = "MINIAV_HAVE_PIPEWIRE",
        .probe = "pipewire-0.3/pipewire/pipewire.h",
        .include = &.{ "pipewire-0.3", "spa-0.2" },
    },
    .{
        .option = "pulse",
        .macro = "MINIAV_HAVE_PULSE",
        .probe = "pulse/pulseaudio.h",
        .include = &.{"."},
    },
    .{
        .option = "dbus",
        .macro = "MINIAV_HAVE_DBUS",
        .probe = "dbus-1.0-arch/dbus/dbus-arch-deps.h",
        .include = &.{ "dbus-1.0", "dbus-1.0-arch" },
    },
    .{
        .option = "xcb",
        .macro = "MINIAV_HAVE_XCB",
        .probe = "xcb/xcb.h",
        .include = &.{"."},
    },
};

const Settings = struct {
    miniaudio: []const u8,
    headers: []const u8,
    optional: [optional_libraries.len]bool,
    optimize: std.builtin.OptimizeMode,
    sources: []const []const u8,
};

pub fn build(b: *std.Build) !void {
    const target = b.standardTargetOptions(.{});
    const headers = b.option([]const u8, "headers", "folder of the optional libraries' headers");
    const miniaudio = b.option([]const u8, "miniaudio", "folder of miniaudio.h");
    const optimize = b.option(std.builtin.OptimizeMode, "optimize", "default ReleaseFast");
    var settings: Settings = .{
        .miniaudio = miniaudio orelse ".cache/miniaudio-0.11.25",
        .headers = headers orelse ".cache/headers",
        .optional = undefined,
        .optimize = optimize orelse .ReleaseFast,
        .sources = try findSources(b),
    };
    for (optional_libraries, &settings.optional) |library, *enabled| {
        const description = b.fmt("{s} backends (default: where headers are)", .{library.option});
        enabled.* = b.option(bool, library.option, description) orelse
            fileExists(b, b.pathJoin(&.{ settings.headers, library.probe }));
    }

    b.getInstallStep().dependOn(addLibrary(b, target, settings));
    const all = b.step("all", "build every platform that is shipped");
    for (shipped) |triple| {
        const query = try std.Target.Query.parse(.{ .arch_os_abi = triple });
        all.dependOn(addLibrary(b, b.resolveTargetQuery(query), settings));
    }
}

/// One shared library and the step that puts it into its folder.
fn addLibrary(b: *std.Build, target: std.Build.ResolvedTarget, settings: Settings) *std.Build.Step {
    const os = target.result.os.tag;
    const module = b.createModule(.{
        .target = target,
        .optimize = settings.optimize,
        .link_libc = true,
        .pic = true,
        .strip = settings.optimize != .Debug,
        .sanitize_c = .off,
    });
    module.addCMacro("MINIAV_BUILDING", "");
    module.addIncludePath(b.path("lib/miniav_c/include"));
    module.addIncludePath(b.path(source_root));
    module.addSystemIncludePath(lazy(b, settings.miniaudio));
    switch (os) {
        .linux => addLinux(b, module, settings),
        .macos => module.addCMacro("_DARWIN_C_SOURCE", ""),
        else => {},
    }
    for (settings.sources) |path| {
        if (!isFor(path, os)) continue;
        const flags: []const []const u8 = if (isVendored(path)) &vendored else &warnings;
        const file = b.path(b.pathJoin(&.{ source_root, path }));
        module.addCSourceFile(.{ .file = file, .flags = flags });
    }

    const library = b.addLibrary(.{ .name = "miniav", .linkage = .dynamic, .root_module = module });
    library.link_z_defs = true;
    library.linker_allow_shlib_undefined = false;
    const install = b.addInstallArtifact(library, .{
        .dest_dir = .{ .override = .{ .custom = folderName(b, target.result) } },
        .implib_dir = .disabled,
        .pdb_dir = .disabled,
    });
    return &install.step;
}

fn addLinux(b: *std.Build, module: *std.Build.Module, settings: Settings) void {
    // Without a value, as in a source's own `#define _GNU_SOURCE`, so that the two agree.
    module.addCMacro("_GNU_SOURCE", "");
    for ([_][]const u8{ "m", "pthread", "dl" }) |name| module.linkSystemLibrary(name, .{});
    for (optional_libraries, settings.optional) |library, enabled| {
        if (!enabled) continue;
        module.addCMacro(library.macro, "1");
        for (library.include) |folder| {
            module.addSystemIncludePath(lazy(b, b.pathJoin(&.{ settings.headers, folder })));
        }
    }
}

/// Every C and Objective-C file below the source root, relative to it, in a fixed order.
fn findSources(b: *std.Build) ![]const []const u8 {
    const io = b.graph.io;
    var found: std.ArrayList([]const u8) = .empty;
    var root = try b.build_root.handle.openDir(io, source_root, .{ .iterate = true });
    defer root.close(io);
    var walker = try root.walk(b.allocator);
    defer walker.deinit();
    while (try walker.next(io)) |entry| {
        if (entry.kind != .file) continue;
        const extension = std.fs.path.extension(entry.path);
        if (!std.mem.eql(u8, extension, ".c") and !std.mem.eql(u8, extension, ".m")) continue;
        const path = b.dupe(entry.path);
        std.mem.replaceScalar(u8, path, '\\', '/');
        try found.append(b.allocator, path);
    }
    std.mem.sort([]const u8, found.items, {}, lessThan);
    return found.items;
}

fn lessThan(_: void, a: []const u8, b: []const u8) bool {
    return std.mem.lessThan(u8, a, b);
}

/// The rule of the folders, and the one exception: miniaudio needs Apple's Core Audio headers.
fn isFor(path: []const u8, os: std.Target.Os.Tag) bool {
    if (os == .macos and isMiniaudio(path)) return false;
    if (os != .macos and std.mem.endsWith(u8, path, ".m")) return false;
    var parts = std.mem.splitScalar(u8, std.fs.path.dirnamePosix(path) orelse "", '/');
    while (parts.next()) |part| {
        if (std.mem.eql(u8, part, "linux") and os != .linux) return false;
        if (std.mem.eql(u8, part, "windows") and os != .windows) return false;
        if (std.mem.eql(u8, part, "macos") and os != .macos) return false;
        if (std.mem.eql(u8, part, "posix") and os == .windows) return false;
    }
    return true;
}

/// The file that only holds miniaudio's implementation.
fn isVendored(path: []const u8) bool {
    return std.mem.eql(u8, path, "audio/miniaudio/miniaudio_impl.c");
}

/// What includes miniaudio.h, the implementation among them.
fn isMiniaudio(path: []const u8) bool {
    return std.mem.startsWith(u8, path, "audio/miniaudio/");
}

/// `linux-x64`, `windows-arm64`, `linux-x64-musl`: the names of JavaScript's platforms.
fn folderName(b: *std.Build, target: std.Target) []const u8 {
    const cpu = switch (target.cpu.arch) {
        .x86_64 => "x64",
        .aarch64 => "arm64",
        else => @tagName(target.cpu.arch),
    };
    const libc = if (target.abi.isMusl()) "-musl" else "";
    return b.fmt("{s}-{s}{s}", .{ @tagName(target.os.tag), cpu, libc });
}

fn lazy(b: *std.Build, path: []const u8) std.Build.LazyPath {
    return if (std.fs.path.isAbsolute(path)) .{ .cwd_relative = path } else b.path(path);
}

fn fileExists(b: *std.Build, path: []const u8) bool {
    b.build_root.handle.access(b.graph.io, path, .{}) catch return false;
    return true;
}
