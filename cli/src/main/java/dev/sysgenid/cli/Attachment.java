// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import com.sun.tools.attach.AgentInitializationException;
import com.sun.tools.attach.AgentLoadException;
import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.nio.file.Path;

/** An attach to another JVM. The only class that needs jdk.attach; nobody but {@link AttachCommand} loads it. */
final class Attachment {
    /** The system property in which the agent says how it fares. */
    private static final String STATE = "dev.sysgenid.agent";

    /** How long the JDK waits for the process to listen: ten seconds by itself, which a busy machine may need. */
    private static final String PATIENCE = "sun.tools.attach.attachTimeout";

    private static final String PATIENCE_MILLIS = "60000";

    /** Of a message that may be the process's own. */
    private static final int LONGEST_MESSAGE = 400;

    private Attachment() {}

    /** Loads the agent into a process; returns how it fares there, empty when it is not there (any more). */
    static String attach(long process, Path jar, String options) throws Failure {
        if (ProcessHandle.of(process).isEmpty()) {
            throw new Failure(ExitCodes.UNAVAILABLE, "there is no process " + process, "ps tells which there are");
        }
        if (System.getProperty(PATIENCE) == null) {
            System.setProperty(PATIENCE, PATIENCE_MILLIS);
        }
        VirtualMachine machine;
        try {
            machine = VirtualMachine.attach(Long.toString(process));
        } catch (AttachNotSupportedException | IOException e) {
            boolean others = String.valueOf(e.getMessage()).contains("permitted")
                    || String.valueOf(e.getMessage()).contains("ermission");
            throw new Failure(
                    others ? ExitCodes.NO_PERMISSION : ExitCodes.UNAVAILABLE,
                    "cannot attach to process " + process + ": "
                            + Printable.of(String.valueOf(e.getMessage()), LONGEST_MESSAGE),
                    "it must be a Java program of this user, without -XX:+DisableAttachMechanism",
                    e);
        }
        try {
            machine.loadAgent(jar.toString(), options);
            return machine.getSystemProperties().getProperty(STATE, "");
        } catch (AgentLoadException | AgentInitializationException | IOException e) {
            throw new Failure(
                    ExitCodes.FAILURE,
                    "process " + process + " does not take the agent: "
                            + Printable.of(String.valueOf(e.getMessage()), LONGEST_MESSAGE),
                    "can the program read " + jar + "? In a container, name the file with --agent as the program sees"
                            + " it; -XX:-EnableDynamicAgentLoading forbids agents",
                    e);
        } finally {
            try {
                machine.detach();
            } catch (IOException e) {
                // The program has ended meanwhile.
            }
        }
    }
}
