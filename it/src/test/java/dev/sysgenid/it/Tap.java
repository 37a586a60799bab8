// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/** What a behaviour program reported, line by line: see {@code src/test/c/tap.h}. */
final class Tap {
    private static final Pattern RESULT = Pattern.compile("(ok|not ok) (\\d+) - (.*)");
    private static final Pattern PLAN = Pattern.compile("1\\.\\.(\\d+)");

    /** One thing asserted; {@code detail} is the line after a failure. */
    private static final class Result {
        final boolean passed;
        final String name;
        String detail = "";

        Result(boolean passed, String name) {
            this.passed = passed;
            this.name = name;
        }
    }

    private final String program;
    private final int status;
    private final String output;
    private final List<Result> results = new ArrayList<>();
    private int planned = -1;

    /** Reads what a program printed before it exited with {@code status}. */
    Tap(String program, int status, String output) {
        this.program = program;
        this.status = status;
        this.output = output;
        output.lines().forEach(this::parse);
    }

    private void parse(String line) {
        Matcher result = RESULT.matcher(line);
        Matcher plan = PLAN.matcher(line);
        if (result.matches()) {
            results.add(new Result(result.group(1).equals("ok"), result.group(3)));
        } else if (plan.matches()) {
            planned = Integer.parseInt(plan.group(1));
        } else if (line.startsWith("# ")
                && !results.isEmpty()
                && results.getLast().detail.isEmpty()) {
            results.getLast().detail = line.substring(2);
        }
    }

    /** Whether it came to its end: all that it planned is here. */
    private void checkComplete() {
        boolean failures = results.stream().anyMatch(result -> !result.passed);
        if (planned != results.size() || planned <= 0 || (status == 0) == failures) {
            fail(program + " did not come to its end (exit status " + status + "):\n" + output);
        }
    }

    /** A test for each line, and one for the end of the program. */
    Stream<DynamicTest> tests() {
        Stream<DynamicTest> lines = results.stream()
                .map(result -> DynamicTest.dynamicTest(result.name, () -> {
                    if (!result.passed) {
                        fail(program + ": " + result.name + ": " + result.detail);
                    }
                }));
        return Stream.concat(lines, Stream.of(DynamicTest.dynamicTest("comes to its end", this::checkComplete)));
    }

    /** Fails with every line that failed, if any did. */
    void check() {
        List<String> failures = results.stream()
                .filter(result -> !result.passed)
                .map(result -> "not ok: " + result.name + ": " + result.detail)
                .toList();
        if (!failures.isEmpty()) {
            fail(program + ":\n" + String.join("\n", failures) + "\n\n" + output);
        }
        checkComplete();
    }
}
