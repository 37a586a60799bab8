// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the user wants: what stands behind {@code -javaagent:sysgenid-agent.jar=}, separated by commas. */
final class Options {
    /** What {@code help} prints. */
    static final String HELP = """
            sysgenid agent: makes a Java program that nobody changes safe to clone
              java -javaagent:sysgenid-agent.jar[=OPTION,OPTION...] ...
              sysgenid attach PID [OPTION...]
            options, separated by commas:
              report            say at start, and after each change, what was renewed and what cannot be
              dry-run           look and report, change nothing
              only=NAME+NAME    these mends and no others
              without=NAME+NAME all mends but these
              sha1prng          SHA1PRNG that seeds itself is answered by the SysGenID provider from the start
              provider=no       do not install the SysGenID provider
              off               (attach) take the agent out of a running program, as far as can be
              help              print this, and the names of the mends
            The device is what the system property sysgenid.path or the variable SYSGENID_PATH names, else /dev/sysgenid.
            """;

    boolean report;
    boolean dryRun;
    boolean sha1prng;
    boolean off;
    boolean help;
    /** Empty: all. */
    final Set<String> only = new LinkedHashSet<>();

    final Set<String> without = new LinkedHashSet<>();
    /** What nobody understands: reported, and passed over. */
    final List<String> unknown = new ArrayList<>();

    static Options parse(@Nullable String text) {
        Options options = new Options();
        if (text == null || text.isBlank()) {
            return options;
        }
        for (String each : text.split(",", -1)) {
            options.take(each.strip());
        }
        return options;
    }

    private void take(String option) {
        int equals = option.indexOf('=');
        String key = equals < 0 ? option : option.substring(0, equals);
        String value = equals < 0 ? "" : option.substring(equals + 1);
        switch (key) {
            case "" -> {}
            case "report" -> report = isYes(option, value);
            case "dry-run" -> dryRun = isYes(option, value);
            case "sha1prng" -> sha1prng = isYes(option, value);
            case "off" -> off = isYes(option, value);
            case "help" -> help = isYes(option, value);
            case "provider" -> {
                if (!isYes(option, value) && value.equals("no")) {
                    without.add("provider");
                }
            }
            case "only" -> only.addAll(names(value));
            case "without" -> without.addAll(names(value));
            default -> unknown.add(option);
        }
    }

    private boolean isYes(String option, String value) {
        if (value.isEmpty() || value.equals("yes")) {
            return true;
        }
        if (!value.equals("no")) {
            unknown.add(option);
        }
        return false;
    }

    private static List<String> names(String value) {
        return value.isEmpty() ? List.of() : List.of(value.split("[+:;]"));
    }

    boolean wants(String mend) {
        return (only.isEmpty() || only.contains(mend)) && !without.contains(mend);
    }
}
