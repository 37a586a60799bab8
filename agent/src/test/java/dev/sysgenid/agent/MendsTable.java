// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.agent.mends.Mends;

/** {@code docs/mends.md}, as the classes tell it. */
final class MendsTable {
    private MendsTable() {}

    static String text() {
        StringBuilder text = new StringBuilder("""
                # What the agent mends

                Made from the classes in `agent/src/main/java/dev/sysgenid/agent/mends` by
                `./mvnw -q -pl agent -am verify -Dtest=MendsTableTest -Dmends.write=true -DskipITs -Dsurefire.failIfNoSpecifiedTests=false`;
                a test holds the two together. A mend whose class of the JDK is not what it expects is skipped and reported.
                `only=NAME+NAME` and `without=NAME+NAME` choose among them.

                | name | what would be repeated | JDK | looked for before | known to have worked when |
                |---|---|---|---|---|
                """);
        for (Mend each : Mends.all()) {
            text.append("| `%s` | %s | %s | %s | %s |\n"
                    .formatted(each.name(), each.what(), each.jdks(), each.expects(), each.verifies()));
        }
        text.append("\n## What cannot be mended\n\n");
        for (String each : Mends.beyond()) {
            text.append("- ").append(each).append(".\n");
        }
        text.append("""

                ## What there is none of

                - The HTTP client of these JDKs has no random connection ids: streams of HTTP/2 are counted, and HTTP/3 (QUIC)
                  is not in 17, 21 and 25.
                - `SSLContext` has no generator of its own but the SecureRandom that it was given, which is renewed as any other.
                """);
        return text.toString();
    }
}
