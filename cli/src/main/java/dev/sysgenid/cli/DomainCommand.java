// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code sysgenid domain}: a generation of its own for each container. */
final class DomainCommand extends Command {
    private static final int LATE_SHOWN = 10;
    /** The permissions of a domain's directory when nothing is said. */
    private static final int OPEN = 0755;

    private static final long BUSY_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final DeviceOption device;
    private final PositionalParamSpec action = PositionalParamSpec.builder()
            .index("0")
            .type(String.class)
            .paramLabel("ACTION")
            .arity("1")
            .required(true)
            .description("create, own, list or remove.")
            .build();
    private final PositionalParamSpec name = PositionalParamSpec.builder()
            .index("1")
            .type(String.class)
            .paramLabel("NAME")
            .arity("0..1")
            .converters(converter(DeviceOption::checkDomain))
            .description(
                    "For all but list: the domain. 1 to 64 letters, digits, '-', '_'",
                    "and '.', the last not in front.")
            .build();
    private final OptionSpec owner = OptionSpec.builder("--userns-of")
            .type(Integer.class)
            .paramLabel("PID")
            .description(
                    "For create and own: who is root in the user namespace of", "that process may bump the domain.")
            .build();
    private final OptionSpec mode = OptionSpec.builder("--mode")
            .type(Integer.class)
            .paramLabel("OCTAL")
            .converters(converter(DomainCommand::parseMode))
            .description(
                    "For create: who may enter the domain's directory. Default: 0755,",
                    "everyone. 0700, root only, or who owns it.")
            .build();
    private final OptionSpec json = flag("--json", "For list: print one line of JSON.");

    DomainCommand(Context context) {
        super(
                context,
                "domain",
                "Make, list and remove domains, each with a generation of its own.",
                "A container is given one by mounting its directory. A bump of the machine",
                "bumps all domains; a bump of a domain disturbs nobody else.");
        device = new DeviceOption(context);
        spec().addPositional(action);
        spec().addPositional(name);
        accept(device.spec(), owner, mode, json);
        examples(
                "sudo sysgenid domain create web       and print its directory",
                "podman run -v /run/sysgenid/web:/run/sysgenid ...",
                "sudo sysgenid bump --domain web --wait",
                "sudo sysgenid domain remove web");
        exitCodes(
                ExitCodes.OK, "done",
                ExitCodes.FAILURE, "the domain cannot be made: too many",
                ExitCodes.USAGE, "a wrong command line; nothing was done",
                ExitCodes.UNAVAILABLE, "no daemon, no such domain, or no such process",
                ExitCodes.CANNOT_CREATE, "there is one of that name, or somebody has it open",
                ExitCodes.NO_PERMISSION, "you may not do this");
    }

    @Override
    int run() throws Failure {
        String wanted = action.<String>getValue();
        @Nullable String domain = name.getValue();
        @Nullable Integer process = owner.getValue();
        boolean lists = wanted.equals("list");
        if (!lists && !List.of("create", "own", "remove").contains(wanted)) {
            throw usageError("'" + wanted + "' is neither create, own, list nor remove");
        }
        if (lists ? domain != null : domain == null) {
            throw usageError(lists ? "domain list takes no name" : "domain " + wanted + " which: its name");
        }
        if (process != null && (lists || wanted.equals("remove"))) {
            throw usageError("--userns-of is for create and own");
        }
        if (isSet(mode) && !wanted.equals("create")) {
            throw usageError("--mode is for create");
        }
        if (isSet(json) && !lists) {
            throw usageError("--json is for list");
        }
        Path root = root();
        if (domain == null) {
            list(root);
        } else {
            Path directory = root.resolve(domain);
            switch (wanted) {
                case "create" -> create(directory, process);
                case "remove" -> remove(directory);
                default -> {
                    if (process == null) {
                        throw usageError("domain own whose: --userns-of PID");
                    }
                    own(directory, process);
                }
            }
        }
        context.out().flush();
        return ExitCodes.OK;
    }

    private static int parseMode(String text) {
        try {
            int mode = Integer.parseUnsignedInt(text, 8);
            if ((mode & ~OPEN) == 0) {
                return mode;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException(
                "'" + text + "' is not an octal mode of which nothing is beyond 0755, as in 0700");
    }

    /** The mounted directory. */
    private Path root() throws Failure {
        Path path = DaemonReport.follow(device.machine());
        Path parent = path.getParent();
        if (parent == null || DaemonReport.read(path) == null) {
            throw new Failure(
                    ExitCodes.UNAVAILABLE,
                    "no daemon of this program serves " + device.machine(),
                    "domains need one; start it with: sysgenid serve");
        }
        return parent;
    }

    private void create(Path directory, @Nullable Integer process) throws Failure {
        int namespace = process == null ? -1 : userNamespace(process);
        try {
            @Nullable Integer wanted = mode.getValue();
            int permissions = wanted == null ? OPEN : wanted;
            int made = Unistd.mkdir(directory.toString(), permissions);
            if (made < 0) {
                throw cannotMake(directory, -made);
            }
            if (wanted != null) {
                // What this process's umask took away, the daemon took for nobody's wish.
                made = Unistd.chmod(directory.toString(), permissions);
                if (made < 0) {
                    Unistd.rmdir(directory.toString());
                    throw cannotMake(directory, -made);
                }
            }
            if (namespace >= 0) {
                try {
                    setOwner(directory, namespace);
                } catch (Failure e) {
                    Unistd.rmdir(directory.toString());
                    throw e;
                }
            }
        } finally {
            if (namespace >= 0) {
                Unistd.close(namespace);
            }
        }
        context.out().println(directory);
    }

    private static Failure cannotMake(Path directory, int errno) {
        return switch (errno) {
            case Errno.EEXIST ->
                new Failure(
                        ExitCodes.CANNOT_CREATE,
                        "there is a domain " + directory.getFileName() + " already",
                        "remove it first: sysgenid domain remove " + directory.getFileName());
            case Errno.EPERM, Errno.EACCES -> notPermitted("make domains in " + directory.getParent());
            case Errno.ENOSPC ->
                new Failure(
                        ExitCodes.FAILURE,
                        "there are as many domains as there can be",
                        "remove some; sysgenid domain list shows which are used");
            default -> new Failure(ExitCodes.FAILURE, "cannot make " + directory + ": " + Errno.describe(errno), "");
        };
    }

    private static Failure notPermitted(String what) {
        return new Failure(
                ExitCodes.NO_PERMISSION,
                "you may not " + what,
                "run it as root, with CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in the daemon's user namespace");
    }

    private void own(Path directory, int process) throws Failure {
        int namespace = userNamespace(process);
        try {
            setOwner(directory, namespace);
        } finally {
            Unistd.close(namespace);
        }
    }

    private void setOwner(Path directory, int namespace) throws Failure {
        try (Device opened = Device.open(directory.resolve("sysgenid"), context.opener())) {
            opened.setOwner(namespace);
        }
    }

    private static int userNamespace(int process) throws Failure {
        String path = "/proc/" + process + "/ns/user";
        int namespace = Unistd.open(path, Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
        if (namespace < 0) {
            boolean denied = namespace == -Errno.EACCES || namespace == -Errno.EPERM;
            throw new Failure(
                    denied ? ExitCodes.NO_PERMISSION : ExitCodes.UNAVAILABLE,
                    denied ? "you may not open " + path : "there is no process " + process,
                    denied ? "run it as root" : "--userns-of takes the number of a process of the container");
        }
        return namespace;
    }

    private void remove(Path directory) throws Failure {
        int errno = removeDirectory(directory);
        Object name = directory.getFileName();
        switch (errno) {
            case 0 -> {}
            case Errno.ENOENT ->
                throw new Failure(
                        ExitCodes.UNAVAILABLE,
                        "no domain " + name + " in " + directory.getParent(),
                        "sysgenid domain list shows which there are");
            case Errno.EBUSY -> throw inUse(directory);
            case Errno.EPERM, Errno.EACCES -> throw notPermitted("remove domains of " + directory.getParent());
            default ->
                throw new Failure(ExitCodes.FAILURE, "cannot remove " + directory + ": " + Errno.describe(errno), "");
        }
    }

    /** Waits a moment for who has just closed the domain's file: a close returns before the daemon has heard of it. */
    private static int removeDirectory(Path directory) {
        long deadline = System.nanoTime() + BUSY_NANOS;
        int errno;
        while ((errno = -Unistd.rmdir(directory.toString())) == Errno.EBUSY && System.nanoTime() < deadline) {
            LockSupport.parkNanos(BUSY_NANOS / 25);
        }
        return errno;
    }

    private static Failure inUse(Path directory) throws Failure {
        DaemonReport report = DaemonReport.read(directory.resolve("sysgenid"));
        StringBuilder users = new StringBuilder();
        int count = report == null ? 0 : report.watchers().size();
        for (int i = 0; report != null && i < Math.min(count, LATE_SHOWN); i++) {
            DaemonReport.Entry entry = report.watchers().get(i);
            users.append(entry.command())
                    .append(" (pid ")
                    .append(entry.pid() == 0 ? "unknown" : entry.pid())
                    .append(") has it open\n");
        }
        if (count > LATE_SHOWN) {
            users.append("and ").append(count - LATE_SHOWN).append(" more have\n");
        }
        users.append(count == 0 ? "something is mounted on " + directory : "end what runs in the container first");
        return new Failure(
                ExitCodes.CANNOT_CREATE, "domain " + directory.getFileName() + " is in use", users.toString());
    }

    private void list(Path root) throws Failure {
        List<DaemonReport> reports = new ArrayList<>();
        try (DirectoryStream<Path> entries =
                Files.newDirectoryStream(root, entry -> Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS))) {
            for (Path entry : entries) {
                DaemonReport report = DaemonReport.read(entry.resolve("sysgenid"));
                if (report != null) { // else it was removed meanwhile
                    reports.add(report);
                }
            }
        } catch (IOException e) {
            throw new Failure(ExitCodes.UNAVAILABLE, "cannot list " + root, String.valueOf(e.getMessage()), e);
        }
        reports.sort(Comparator.comparing(DomainCommand::name));
        context.out().print(isSet(json) ? json(reports) : text(reports));
    }

    private static String name(DaemonReport report) {
        return String.valueOf(report.device().getName(report.device().getNameCount() - 2));
    }

    private static String text(List<DaemonReport> reports) {
        Table table = new Table().row("NAME", "GENERATION", "WATCHERS", "LATE");
        for (DaemonReport report : reports) {
            table.row(
                    name(report),
                    Device.show(report.generation()),
                    Integer.toString(report.watchers().size()),
                    Integer.toString(report.late().size()));
        }
        return table.toString();
    }

    private static String json(List<DaemonReport> reports) {
        Json json = new Json().array();
        for (DaemonReport report : reports) {
            json.object();
            json.key("name").value(name(report));
            json.key("device").value(report.device().toString());
            json.key("generation").value(Integer.toUnsignedLong(report.generation()));
            json.key("watchers").value(report.watchers().size());
            json.key("tracked").value(report.tracked());
            json.key("outdated").value(report.late().size());
            json.endObject();
        }
        return json.endArray().toString() + "\n";
    }
}
