// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AccountsTest {
    @TempDir
    Path etc;

    @BeforeEach
    void files() throws IOException {
        Files.writeString(
                etc.resolve("passwd"),
                "root:x:0:0:root:/root:/bin/sh\n# a comment\n\nweb:x:33:34::/:\nbig:x:4294967294:100::/:\nodd:x:x:y::/:\n");
        Files.writeString(etc.resolve("group"), "root:x:0:\nwww:x:34:web\nstaff:x:50:\n");
    }

    private Accounts accounts() {
        return new Accounts(etc.resolve("passwd"), etc.resolve("group"));
    }

    @ParameterizedTest
    @CsvSource({
        "root, 0, 0",
        "web, 33, 34",
        "33, 33, 34",
        "web:staff, 33, 50",
        "web:7, 33, 7",
        "4242:4243, 4242, 4243",
        "4242:www, 4242, 34",
        "big, -2, 100",
    })
    void findsThem(String text, int uid, int gid) {
        assertThat(accounts().parse(text)).isEqualTo(new Accounts.Owner(uid, gid));
    }

    /** Somebody's full name is in Latin 1, and a user's own in UTF-8. */
    @Test
    void namesNeedNotBeText() throws IOException {
        byte[] passwd = "ren:x:5:6:Ren\u00e9:/:\nj\u00c3\u00bcrgen:x:7:8::/:\n".getBytes(StandardCharsets.ISO_8859_1);
        Files.write(etc.resolve("passwd"), passwd);
        assertThat(accounts().parse("ren")).isEqualTo(new Accounts.Owner(5, 6));
        assertThat(accounts().parse("j\u00fcrgen")).isEqualTo(new Accounts.Owner(7, 8));
    }

    @Test
    void saysWhatIsWrong() {
        assertThatThrownBy(() -> accounts().parse("nobody")).hasMessage("no user 'nobody' in " + etc.resolve("passwd"));
        assertThatThrownBy(() -> accounts().parse("")).hasMessage("no user '' in " + etc.resolve("passwd"));
        assertThatThrownBy(() -> accounts().parse("web:x")).hasMessage("no group 'x' in " + etc.resolve("group"));
        assertThatThrownBy(() -> accounts().parse("web:")).hasMessage("no group '' in " + etc.resolve("group"));
        assertThatThrownBy(() -> accounts().parse("4242")).hasMessageEndingWith("give the group too, as in 4242:4242");
        assertThatThrownBy(() -> accounts().parse("4294967295:0"))
                .hasMessage("'4294967295' is not a user or group number"); // chown takes it for "leave it as it is"
        assertThatThrownBy(() -> accounts().parse("99999999999999999999:0")).hasMessageContaining("is not a user");
        assertThatThrownBy(() -> accounts().parse("odd")).hasMessage("'x' is not a user or group number");
    }

    @Test
    void aNameInAnotherEncodingHidesNoOther() throws IOException {
        Files.write(
                etc.resolve("passwd"),
                "j\u00fcrg:x:5:6::/:\n".getBytes(StandardCharsets.ISO_8859_1),
                StandardOpenOption.APPEND);
        Files.writeString(etc.resolve("passwd"), "zo\u00eb:x:8:9::/:\n", StandardOpenOption.APPEND);
        assertThat(accounts().parse("web")).isEqualTo(new Accounts.Owner(33, 34));
        assertThat(accounts().parse("zo\u00eb")).isEqualTo(new Accounts.Owner(8, 9));
        assertThat(accounts().parse("5")).isEqualTo(new Accounts.Owner(5, 6));
    }

    @Test
    void takesNumbersWithoutTheFiles() {
        Accounts none = new Accounts(etc.resolve("no"), etc.resolve("no"));
        assertThat(none.parse("1:2")).isEqualTo(new Accounts.Owner(1, 2));
    }
}
