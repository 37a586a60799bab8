// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.instrument.UnmodifiableClassException;
import java.security.ProtectionDomain;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Adds instructions to methods of the JDK. It stays registered, so that they are still there when another agent transforms
 * the same class again.
 *
 * <p><b>Threads:</b> any; {@link #transform} is called by whoever loads a class.
 */
final class Weaver implements ClassFileTransformer {
    private final Instrumentation instrumentation;

    /** By the internal name of the class. */
    private final Map<String, List<Patch>> patches = new ConcurrentHashMap<>();

    /** What came of it, for those that were transformed. */
    private final Map<String, String> outcomes = new ConcurrentHashMap<>();

    private static final String DONE = "";

    /** What to run when a class of the JDK is loaded, by its internal name. */
    private final Map<String, Runnable> awaited = new ConcurrentHashMap<>();

    Weaver(Instrumentation instrumentation) {
        this.instrumentation = instrumentation;
    }

    void start() {
        instrumentation.addTransformer(this, true);
    }

    /** Takes all of it back. */
    void stop() {
        instrumentation.removeTransformer(this);
        for (String each : List.copyOf(patches.keySet())) {
            patches.remove(each);
            try {
                instrumentation.retransformClasses(
                        Class.forName(each.replace('/', '.'), false, ClassLoader.getPlatformClassLoader()));
            } catch (ClassNotFoundException | UnmodifiableClassException | LinkageError e) {
                // What was added goes on and does nothing: it asks an agent that is not there any more.
            }
        }
    }

    /** Has something run each time when a class of this internal name is loaded by the JDK's own loader. */
    void whenLoaded(String name, Runnable action) {
        awaited.put(name, action);
    }

    /**
     * Adds to a class.
     *
     * @throws Unsuitable when one of the methods is not there, or the JVM does not take it
     */
    void weave(Class<?> target, List<Patch> added) throws Unsuitable {
        String name = target.getName().replace('.', '/');
        patches.put(name, added);
        outcomes.remove(name);
        String why;
        try {
            instrumentation.retransformClasses(target);
            why = outcomes.get(name);
        } catch (UnmodifiableClassException | LinkageError | RuntimeException e) {
            why = e.toString();
        }
        if (!DONE.equals(why)) {
            patches.remove(name);
            throw Unsuitable.differs(
                    target.getName() + " takes no instructions: " + (why == null ? "it was not transformed" : why));
        }
    }

    @Override
    @SuppressWarnings("NullAway") // what is not changed is null, by contract
    public byte @Nullable [] transform(
            @Nullable ClassLoader loader,
            @Nullable String name,
            @Nullable Class<?> redefined,
            @Nullable ProtectionDomain domain,
            byte[] bytes) {
        if (loader != null || name == null) {
            return null;
        }
        try {
            Runnable waiting = awaited.get(name);
            if (waiting != null && redefined == null) {
                waiting.run();
            }
            List<Patch> added = patches.get(name);
            if (added == null) {
                return null;
            }
            byte[] woven = weave(bytes, added);
            outcomes.put(name, DONE);
            return woven;
        } catch (Throwable e) {
            outcomes.put(name, e.toString());
            return null;
        }
    }

    private static byte[] weave(byte[] bytes, List<Patch> added) {
        ClassReader reader = new ClassReader(bytes);
        ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
        Set<String> missing = new HashSet<>();
        added.forEach(each -> missing.add(each.method()));
        reader.accept(new Classes(writer, added, missing), 0);
        if (!missing.isEmpty()) {
            throw new IllegalStateException("it has no " + String.join(", ", missing));
        }
        return writer.toByteArray();
    }

    private static final class Classes extends ClassVisitor {
        private final List<Patch> added;
        private final Set<String> missing;

        Classes(ClassVisitor next, List<Patch> added, Set<String> missing) {
            super(Opcodes.ASM9, next);
            this.added = added;
            this.missing = missing;
        }

        @Override
        public MethodVisitor visitMethod(
                int access,
                String name,
                String descriptor,
                @Nullable String signature,
                String @Nullable [] exceptions) {
            MethodVisitor method = super.visitMethod(access, name, descriptor, signature, exceptions);
            for (Patch each : added) {
                if (each.method().equals(name + descriptor)) {
                    missing.remove(each.method());
                    method = new Methods(method, each);
                }
            }
            return method;
        }
    }

    private static final class Methods extends MethodVisitor {
        private final Patch patch;

        Methods(MethodVisitor next, Patch patch) {
            super(Opcodes.ASM9, next);
            this.patch = patch;
        }

        @Override
        public void visitCode() {
            super.visitCode();
            patch.enter(mv);
        }

        @Override
        public void visitInsn(int opcode) {
            if (opcode >= Opcodes.IRETURN && opcode <= Opcodes.RETURN) {
                patch.leave(mv);
            }
            super.visitInsn(opcode);
        }
    }
}
