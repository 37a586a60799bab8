// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.cli.DaemonReport.Entry;
import dev.sysgenid.cli.DaemonReport.SourceEntry;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class StatusTest {
    private static final Path LINK = Path.of("/dev/sysgenid");
    private static final Path DEVICE = Path.of("/run/sysgenid/sysgenid");

    private static final Status LATE = Status.of(
            LINK,
            new DaemonReport(
                    DEVICE,
                    7,
                    List.of(
                            new Entry(3, 1234, 0, "rw", true, 7, -1, "postgres"),
                            new Entry(12, 0, 65534, "r", false, 6, 1523, "my \"prog\""),
                            new Entry(13, 99, 65534, "rw", true, 6, 61_000, "é\\x0a")),
                    List.of(
                            new SourceEntry("vmclock", "off", 0, "none offered"),
                            new SourceEntry("vmgenid", "active", 2, "/dev/kmsg")),
                    3));

    @Test
    void textOfADaemon() {
        assertThat(LATE.text()).isEqualTo("""
                        device      /dev/sysgenid -> /run/sysgenid/sysgenid
                        generation  7
                        sources     vmclock: off, none offered
                                    vmgenid: active, /dev/kmsg; restores: 2
                        self-check  3 pages did not show the generation, and were mended
                        watchers    3, 2 tracked, 1 late

                        ID  PID   UID    ACCESS  TRACKED  ACKED  OUTDATED  COMMAND
                        3   1234  0      rw      yes      7      -         postgres
                        12  ?     65534  r       no       6      1.5s      my "prog"
                        13  99    65534  rw      yes      6      1m01s     é\\x0a
                        """);
    }

    @Test
    void textWithoutWatchers() {
        assertThat(Status.of(DEVICE, new DaemonReport(DEVICE, -1, List.of(), List.of(), -1))
                        .text())
                .isEqualTo("""
                        device      /run/sysgenid/sysgenid
                        generation  4294967295
                        watchers    0, 0 tracked, 0 late
                        """);
    }

    @Test
    void textOfAKernelDriver() {
        assertThat(new Status(LINK, 7, 2, null).text()).isEqualTo("""
                        device      /dev/sysgenid, of the kernel's driver
                        generation  7
                        outdated    2
                        """);
        assertThat(new Status(LINK, 7, -1, null).text()).endsWith("outdated    unknown: this driver does not tell\n");
    }

    @Test
    void jsonOfADaemon() {
        assertThat(LATE.json()).isEqualTo("""
                        {"device":"/dev/sysgenid","server":"daemon","generation":7,"outdated":1,\
                        "resolved":"/run/sysgenid/sysgenid","tracked":2,"pagesMended":3,"sources":[\
                        {"name":"vmclock","state":"off","restores":0,"detail":"none offered"},\
                        {"name":"vmgenid","state":"active","restores":2,"detail":"/dev/kmsg"}],"watchers":[\
                        {"id":3,"pid":1234,"uid":0,"access":"rw","tracked":true,"acknowledged":7,\
                        "outdatedMillis":null,"command":"postgres"},\
                        {"id":12,"pid":null,"uid":65534,"access":"r","tracked":false,"acknowledged":6,\
                        "outdatedMillis":1523,"command":"my \\"prog\\""},\
                        {"id":13,"pid":99,"uid":65534,"access":"rw","tracked":true,"acknowledged":6,\
                        "outdatedMillis":61000,"command":"é\\\\x0a"}]}
                        """);
    }

    @Test
    void jsonOfAKernelDriver() {
        assertThat(new Status(LINK, -1, -1, null).json())
                .isEqualTo("{\"device\":\"/dev/sysgenid\",\"server\":\"kernel\",\"generation\":4294967295,"
                        + "\"outdated\":null}\n");
    }

    @Test
    void jsonEscapesWhatIsNotText() {
        assertThat(new Json().value("a\t\u0001\u007f\"\\").toString()).isEqualTo("\"a\\u0009\\u0001\\u007f\\\"\\\\\"");
    }
}
