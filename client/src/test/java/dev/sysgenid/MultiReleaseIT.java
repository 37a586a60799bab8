// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The jar, as applications get it: on Java 22 and newer its newer classes are the ones that run. */
class MultiReleaseIT {
    @Test
    void theNewerClassesRun() {
        assertThat(Arrays.stream(ProcessPage.class.getDeclaredFields())
                        .map(field -> field.getType().getSimpleName()))
                .contains("MutableCallSite");
    }

    @Test
    void systemCallsAreMadeExactlyWhereNativeAccessWasGranted() throws Exception {
        Module module = NativeAccess.class.getModule();
        boolean granted =
                (boolean) Module.class.getMethod("isNativeAccessEnabled").invoke(module);
        SystemCalls calls = NativeAccess.calls();
        assertThat(calls != null).isEqualTo(granted);
        if (calls != null) {
            assertThat(calls.open(Path.of("/nowhere/sysgenid"), false))
                    .as("-ENOENT")
                    .isEqualTo(-2);
            int fd = calls.open(Path.of("/dev/null"), true);
            assertThat(fd).isPositive();
            assertThat(calls.pwrite(fd, 7)).isEqualTo(4);
            assertThat(calls.ioctl(fd, 0xE403, 0)).isEqualTo(-SystemCalls.ENOTTY);
            assertThat(calls.map(fd, 4096)).as("/dev/null cannot be mapped").isNull();
            assertThat(calls.close(fd)).isZero();
            assertThat(calls.close(fd)).as("-EBADF").isEqualTo(-9);
        } else {
            assertThat(NativeAccess.remedy()).contains("--enable-native-access=dev.sysgenid");
        }
    }
}
