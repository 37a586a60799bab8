// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.daemon.Mapping;
import dev.sysgenid.daemon.ServeOptions;
import dev.sysgenid.daemon.SourceChoice;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

class ServeCommandTest {
    private static ServeOptions parse(String... arguments) {
        ServeCommand command = new ServeCommand(new FakeMachine(0).context());
        new CommandLine(command.spec()).parseArgs(arguments);
        return command.options();
    }

    @Test
    void nothingGivenIsTheDefaults() {
        assertThat(parse()).isEqualTo(ServeOptions.defaults());
        assertThat(parse("--foreground")).isEqualTo(ServeOptions.defaults());
    }

    @Test
    void everythingGiven() {
        assertThat(parse(
                        "--mount=/srv/x/../y",
                        "--device",
                        "/dev/other",
                        "--mode",
                        "0640",
                        "--owner",
                        "12:34",
                        "--tracking",
                        "opt-in",
                        "--mapping",
                        "store",
                        "--source",
                        "vmgenid,vmclock",
                        "--bump-on-disruption",
                        "--foreground"))
                .isEqualTo(new ServeOptions(
                        Path.of("/srv/y"),
                        Path.of("/dev/other"),
                        0640,
                        12,
                        34,
                        Tracking.OPT_IN,
                        Mapping.STORE,
                        ServeOptions.DEFAULT_WATCHERS_PER_USER,
                        new SourceChoice(Set.of("vmclock", "vmgenid"), true)));
        assertThat(parse("--tracking", "writers", "--mapping", "passthrough", "--mode", "600"))
                .returns(Tracking.WRITERS, ServeOptions::tracking)
                .returns(Mapping.PASSTHROUGH, ServeOptions::mapping)
                .returns(0600, ServeOptions::mode);
        assertThat(parse("--mapping", "auto").mapping()).isEqualTo(Mapping.AUTO);
    }

    @Test
    void relativePathsStartHere() {
        ServeOptions options = parse("--mount", "m", "--device", "d");
        assertThat(options.mount()).isEqualTo(Path.of("m").toAbsolutePath());
        assertThat(options.device()).isEqualTo(Path.of("d").toAbsolutePath());
    }

    @Test
    void sources() {
        assertThat(parse().sources()).isEqualTo(SourceChoice.AUTO);
        assertThat(parse("--source", "auto").sources()).isEqualTo(SourceChoice.AUTO);
        assertThat(parse("--source", "none").sources()).isEqualTo(new SourceChoice(Set.of(), false));
        assertThat(parse("--source", "operator").sources().names()).containsExactly("operator");
        for (String wrong : new String[] {"", "vmgenid,", "vmgenid,none", "VMCLOCK", "/dev/kmsg"}) {
            assertThatThrownBy(() -> parse("--source", wrong))
                    .isInstanceOf(ParameterException.class)
                    .hasMessageContaining("is no source: auto, none, or some of vmclock,vmgenid,fw_cfg,operator");
        }
    }

    @Test
    void noDevice() {
        assertThat(parse("--device", "none").device()).isNull();
        assertThatThrownBy(() -> parse("--device", ""))
                .isInstanceOf(ParameterException.class)
                .hasMessage("--device wants a path, or none");
    }
}
