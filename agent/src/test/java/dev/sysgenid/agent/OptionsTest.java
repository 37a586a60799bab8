// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.agent.mends.Mends;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", " ", ",", ", ,"})
    void withoutOptionsAllMendsAreWanted(String text) {
        Options options = Options.parse(text);
        assertThat(options.unknown).isEmpty();
        assertThat(options.report || options.dryRun || options.sha1prng || options.off || options.help)
                .isFalse();
        assertThat(wanted(options)).hasSize(Mends.all().size());
    }

    @Test
    void theyAreTakenOneByOne() {
        Options options = Options.parse("report, dry-run,sha1prng=yes,off=no,help");
        assertThat(options.report && options.dryRun && options.sha1prng && options.help)
                .isTrue();
        assertThat(options.off).isFalse();
        assertThat(options.unknown).isEmpty();
    }

    @Test
    void mendsAreChosen() {
        assertThat(wanted(Options.parse("only=uuid+tls"))).containsExactly("uuid", "tls");
        assertThat(wanted(Options.parse("without=uuid+tls")))
                .doesNotContain("uuid", "tls")
                .contains("dns");
        assertThat(wanted(Options.parse("only=uuid,only=dns,without=uuid"))).containsExactly("dns");
        assertThat(wanted(Options.parse("provider=no")))
                .doesNotContain("provider")
                .contains("uuid");
        assertThat(wanted(Options.parse("only=none"))).isEmpty();
    }

    @Test
    void whatNobodyKnowsIsKeptForTheReport() {
        assertThat(Options.parse("a,b=c,report=maybe,provider=x,only").unknown)
                .containsExactly("a", "b=c", "report=maybe", "provider=x");
    }

    private static List<String> wanted(Options options) {
        return Mends.all().stream()
                .filter(each -> options.wants(each.name()))
                .map(Mend::name)
                .toList();
    }
}
