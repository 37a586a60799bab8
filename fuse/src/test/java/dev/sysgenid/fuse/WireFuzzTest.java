// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The inputs that a fuzzer found worth keeping, each of which takes a way through the code that no other takes. */
class WireFuzzTest {
    @Test
    void everyInputThatWasFoundIsServed() throws Exception {
        List<String> inputs = Files.readAllLines(Path.of("src/test/corpus/wire.hex"));
        assertThat(inputs).hasSizeGreaterThan(100);
        for (String input : inputs) {
            WireFuzz.fuzzerTestOneInput(HexFormat.of().parseHex(input));
        }
    }
}
